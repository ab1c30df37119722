/* SPDX-License-Identifier: MIT */
/* The fields of each request. (Janus API, 10.1 to 10.3) */
#pragma once

#include <stoa/table.h>

extern const StoaParam vr_room_params[], vr_owner_params[], vr_list_params[], vr_create_params[],
    vr_edit_params[], vr_allowed_params[], vr_person_params[], vr_moderate_params[];
extern const StoaParam vr_join_params[], vr_configure_params[], vr_subscribe_params[],
    vr_unsubscribe_params[], vr_update_params[], vr_switch_params[];
