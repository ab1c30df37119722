/* SPDX-License-Identifier: MIT */
/* Calendar parts of mails, by libical: it folds, escapes and orders as RFC 5545 wants. */
#include "config.h"

#include "mail/calendar.h"

#include <glib.h>
#include <libical/ical.h>
#include <stdbool.h>

static const char *text_of(const json_t *payload, const char *name)
{
    return json_string_value(json_object_get(payload, name));
}

static struct icaltimetype time_of(int64_t ms)
{
    return icaltime_from_timet_with_zone((time_t)(ms / 1000), 0, icaltimezone_get_utc_timezone());
}

static void add(icalcomponent *component, icalproperty *property)
{
    icalcomponent_add_property(component, property);
}

static void add_address(icalcomponent *component, const char *address,
                        icalproperty *(*make)(const char *value))
{
    g_autofree char *uri = g_strdup_printf("mailto:%s", address);

    add(component, make(uri));
}

/* What an invitation says beside its UID. */
static void add_details(icalcomponent *item, const json_t *payload)
{
    int64_t starts = json_integer_value(json_object_get(payload, "starts_at"));
    int64_t minutes = json_integer_value(json_object_get(payload, "duration_min"));
    const char *title = text_of(payload, "title"), *link = text_of(payload, "link");

    if (title)
        add(item, icalproperty_new_summary(title));
    if (link)
        add(item, icalproperty_new_url(link));
    if (link)
        add(item, icalproperty_new_description(link));
    if (!starts)
        return;
    add(item, icalproperty_new_dtstart(time_of(starts)));
    add(item, icalproperty_new_dtend(time_of(starts + (minutes ? minutes : 60) * 60000)));
    add(item, icalproperty_new_status(ICAL_STATUS_CONFIRMED));
}

char *stoa_calendar_text(StoaCalendarMethod method, const json_t *payload, const char *organizer,
                         const char *attendee, int64_t now_ms)
{
    bool cancel = method == STOA_CALENDAR_CANCEL;
    bool timed = cancel ? !json_is_true(json_object_get(payload, "is_task"))
                        : json_integer_value(json_object_get(payload, "starts_at")) != 0;
    const char *uid = text_of(payload, "uid");
    int sequence = (int)json_integer_value(json_object_get(payload, "sequence"));
    icalcomponent *calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    icalcomponent *item = icalcomponent_new(timed ? ICAL_VEVENT_COMPONENT : ICAL_VTODO_COMPONENT);

    add(calendar, icalproperty_new_version("2.0"));
    add(calendar, icalproperty_new_prodid("-//Stoa//Stoa//EN"));
    add(calendar, icalproperty_new_method(cancel ? ICAL_METHOD_CANCEL : ICAL_METHOD_REQUEST));
    add(item, icalproperty_new_uid(uid ? uid : ""));
    add(item, icalproperty_new_dtstamp(time_of(now_ms)));
    add(item, icalproperty_new_sequence(sequence));
    add_address(item, organizer, icalproperty_new_organizer);
    if (cancel)
        add(item, icalproperty_new_status(ICAL_STATUS_CANCELLED));
    else
        add_details(item, payload);
    if (attendee) /* RFC 5546, 3.2.5: in a cancellation too */
        add_address(item, attendee, icalproperty_new_attendee);
    icalcomponent_add_component(calendar, item);
    char *theirs = icalcomponent_as_ical_string_r(calendar);
    char *text = g_strdup(theirs);
    icalmemory_free_buffer(theirs);
    icalcomponent_free(calendar);
    return text;
}
