/* SPDX-License-Identifier: MIT */
/* What is measured of a handle's PeerConnection. */
#pragma once

#include "media/figures.h"
#include "room/handle.h"

/** Measure; `got` is called once on control, also before this returns, with NULL when there is no PeerConnection. @data  freed in any case */
void stoa_handle_figures(StoaHandle *handle, void (*got)(const StoaFigures *figures, void *data),
                         void *data, GDestroyNotify free_data);
/** As the `stats` request and handle_info show it; figures NULL: nothing is there. New reference. */
json_t *stoa_stats_json(const StoaFigures *figures);
