/* SPDX-License-Identifier: MIT */
/* The control side: each call looks the peer up in the records and posts a message to its worker. */
#include "media/command.h"

#include <string.h>

#include "base/loop.h"
#include "ice/lite.h"
#include "media/figures.h"
#include "media/full.h"
#include "media/level.h"
#include "media/outlet.h"
#include "media/peer.h"
#include "media/place.h"
#include "media/stats.h"
#include <stoa/error.h>

#include "base/poison.h"

/* What most messages are: a peer, what to do, some numbers. */
typedef struct Command Command;
struct Command {
    StoaMessage message;
    StoaPeerId peer;
    void (*act)(StoaPeer *peer, Command *command);
    void (*done)(Command *command); /* frees what the numbers below own; NULL: nothing */
    uint32_t number;                /* track or sink */
    int a, b;
    bool flag, data;
    StoaTrackRef ref;
    StoaTap tap;
    char *text, *more;  /* freed */
    void *rows;         /* freed */
    StoaRtpExtIds *ext; /* freed */
};

static void on_command(StoaWorker *w, StoaMessage *message)
{
    Command *command = (Command *)message;
    StoaPeer *peer = stoa_worker_peer(w, command->peer);

    if (peer)
        command->act(peer, command);
    if (command->done)
        command->done(command);
    g_free(command->text);
    g_free(command->more);
    g_free(command->rows);
    g_free(command->ext);
    g_free(command);
}

static bool post(StoaMedia *media, StoaPeerId peer, const Command *content)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);
    Command *command;

    if (!record)
        return false;
    command = g_new(Command, 1);
    *command = *content;
    command->message.run = on_command;
    command->peer = peer;
    stoa_worker_post(record->worker, &command->message);
    return true;
}

/* -- open and close ------------------------------------------------------------------------ */

typedef struct {
    StoaMessage message;
    StoaPeerMake make;
    char *log_ids, *ufrag, *pwd;
} Open;

static void on_open(StoaWorker *w, StoaMessage *message)
{
    Open *open = (Open *)message;

    if (!stoa_peer_make(w, &open->make))
        g_critical("media: an ICE ufrag came twice");
    g_free(open->log_ids);
    g_free(open->ufrag);
    g_free(open->pwd);
    g_free(open);
}

static void post_open(StoaMedia *media, const StoaPeerRecord *record, const char *log_ids)
{
    Open *open = g_new0(Open, 1);

    open->message.run = on_open;
    open->log_ids = g_strdup(log_ids ? log_ids : "");
    open->ufrag = g_strdup(record->ufrag);
    open->pwd = g_strdup(record->pwd);
    open->make = (StoaPeerMake){
        .id = record->id,
        .log_ids = open->log_ids,
        .ufrag = open->ufrag,
        .pwd = open->pwd,
        .agent = record->agent,
        .context = g_ptr_array_index(media->contexts, media->contexts->len - 1),
    };
    stoa_worker_post(record->worker, &open->message);
}

static void set_credentials(StoaPeerRecord *record, const char *ufrag, const char *pwd)
{
    g_free(record->ufrag);
    g_free(record->pwd);
    record->ufrag = g_strdup(ufrag);
    record->pwd = g_strdup(pwd);
    record->local.ufrag = record->ufrag;
    record->local.pwd = record->pwd;
}

static void new_credentials(StoaPeerRecord *record)
{
    char ufrag[STOA_ICE_UFRAG + 1], pwd[STOA_ICE_PWD + 1];

    stoa_ice_credentials(record->worker->index, ufrag, pwd);
    set_credentials(record, ufrag, pwd);
}

static void fill_local(StoaMedia *media, StoaPeerRecord *record)
{
    const StoaCertificate *certificate =
        g_ptr_array_index(media->certificates, media->certificates->len - 1);
    g_autofree char *fingerprint =
        g_strconcat("sha-256 ", stoa_certificate_fingerprint(certificate), NULL);

    record->fingerprint = g_ref_string_new_intern(fingerprint);
    record->local.fingerprint = record->fingerprint;
    record->local.lite = media->ice == STOA_ICE_LITE;
    record->local.gathering = !record->local.lite;
    if (record->local.lite) {
        new_credentials(record);
        record->local.candidates = stoa_place_candidates(media, record->worker);
    } else {
        set_credentials(record, stoa_ice_agent_ufrag(record->agent),
                        stoa_ice_agent_pwd(record->agent));
        record->local.candidates = g_ptr_array_new_with_free_func(g_free);
    }
}

StoaPeerId stoa_peer_open(StoaMedia *media, const StoaPeerSpec *spec, const StoaPeerLocal **local,
                          GError **error)
{
    StoaPeerRecord *record = g_new0(StoaPeerRecord, 1);
    unsigned worker = stoa_place_take(media, spec->room);

    record->id = ++media->n_opened << STOA_PEER_ID_WORKER_BITS | worker;
    record->worker = media->workers[worker];
    record->room = spec->room;
    record->events = spec->events;
    record->user = spec->user;
    if (media->ice == STOA_ICE_FULL) {
        record->agent = stoa_full_open(media, record->worker, record->id, spec->controlling);
        if (!record->agent) {
            stoa_place_leave(media, spec->room, worker);
            g_free(record);
            stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                      "cannot make an ICE agent: out of ports or memory");
            return 0;
        }
    }
    fill_local(media, record);
    g_hash_table_insert(media->peers, &record->id, record);
    post_open(media, record, spec->log_ids);
    *local = &record->local;
    stoa_media_stir(media);
    return record->id;
}

static void act_close(StoaPeer *peer, Command *command G_GNUC_UNUSED)
{
    stoa_peer_end(peer);
}

void stoa_peer_close(StoaMedia *media, StoaPeerId peer)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    if (!record)
        return;
    post(media, peer, &(Command){ .act = act_close });
    stoa_place_leave(media, record->room, record->worker->index);
    g_hash_table_remove(media->peers, &peer);
    stoa_media_stir(media);
}

/* -- ICE ----------------------------------------------------------------------------------- */

static void act_restart(StoaPeer *peer, Command *command)
{
    if (peer->lite)
        stoa_ice_lite_restart(peer->lite, command->text, command->more);
}

void stoa_peer_restart(StoaMedia *media, StoaPeerId peer, const StoaPeerLocal **local)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    if (!record)
        return;
    new_credentials(record);
    *local = &record->local;
    if (record->agent) {
        g_ptr_array_set_size(record->local.candidates, 0);
        record->local.gathering = true;
        stoa_ice_agent_restart(record->agent, record->ufrag, record->pwd);
        return;
    }
    post(media, peer,
         &(Command){
             .act = act_restart, .text = g_strdup(record->ufrag), .more = g_strdup(record->pwd) });
}

static void act_remote(StoaPeer *peer, Command *command)
{
    stoa_peer_remote(peer, command->text, command->flag, command->data);
}

static void act_data(StoaPeer *peer, Command *command)
{
    peer->sctp_port = (uint16_t)command->a;
    peer->max_message = (size_t)command->b;
}

void stoa_peer_set_data(StoaMedia *media, StoaPeerId peer, uint16_t sctp_port, uint64_t max_message)
{
    if (stoa_media_peer(media, peer))
        post(media, peer,
             &(Command){ .act = act_data, .a = sctp_port, .b = (int)MIN(max_message, INT_MAX) });
}

void stoa_peer_set_remote(StoaMedia *media, StoaPeerId peer, const char *ufrag, const char *pwd,
                          const char *fingerprint, bool dtls_client, bool data)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    if (!record)
        return;
    if (record->agent)
        stoa_ice_agent_set_remote(record->agent, ufrag, pwd);
    post(media, peer,
         &(Command){
             .act = act_remote, .text = g_strdup(fingerprint), .flag = dtls_client, .data = data });
}

void stoa_peer_add_candidate(StoaMedia *media, StoaPeerId peer, const char *candidate)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    if (record && record->agent)
        stoa_ice_agent_add_candidate(record->agent, candidate);
}

/* -- tables -------------------------------------------------------------------------------- */

static void act_receives(StoaPeer *peer, Command *command)
{
    stoa_peer_set_rows_in(peer, command->rows, (unsigned)command->a, command->ext);
}

void stoa_peer_set_receives(StoaMedia *media, StoaPeerId peer, const StoaReceive *rows, unsigned n,
                            const StoaRtpExtIds *ext)
{
    if (stoa_media_peer(media, peer))
        post(media, peer,
             &(Command){ .act = act_receives,
                         .a = (int)n,
                         .rows = g_memdup2(rows, n * sizeof(*rows)),
                         .ext = g_memdup2(ext, sizeof(*ext)) });
}

static void act_sends(StoaPeer *peer, Command *command)
{
    stoa_peer_set_rows_out(peer, command->rows, (unsigned)command->a);
}

void stoa_peer_set_sends(StoaMedia *media, StoaPeerId peer, const StoaSend *rows, unsigned n)
{
    if (stoa_media_peer(media, peer))
        post(media, peer,
             &(Command){
                 .act = act_sends, .a = (int)n, .rows = g_memdup2(rows, n * sizeof(*rows)) });
}

/* -- sinks --------------------------------------------------------------------------------- */

static void act_route(StoaPeer *peer, Command *command)
{
    stoa_outlet_route(stoa_peer_outlet(peer, command->number), command->ref);
}

void stoa_peer_route(StoaMedia *media, StoaPeerId peer, uint32_t sink, StoaTrackRef source)
{
    post(media, peer, &(Command){ .act = act_route, .number = sink, .ref = source });
}

static void act_pause(StoaPeer *peer, Command *command)
{
    stoa_outlet_pause(stoa_peer_outlet(peer, command->number), command->flag);
}

void stoa_peer_pause(StoaMedia *media, StoaPeerId peer, uint32_t sink, bool paused)
{
    post(media, peer, &(Command){ .act = act_pause, .number = sink, .flag = paused });
}

static void act_limit(StoaPeer *peer, Command *command)
{
    stoa_outlet_limit(stoa_peer_outlet(peer, command->number), command->a, command->b);
}

void stoa_peer_limit(StoaMedia *media, StoaPeerId peer, uint32_t sink, int substream, int temporal)
{
    post(media, peer,
         &(Command){ .act = act_limit, .number = sink, .a = substream, .b = temporal });
}

static void act_priority(StoaPeer *peer, Command *command)
{
    stoa_outlet_set_priority(stoa_peer_outlet(peer, command->number), (unsigned)command->a);
}

void stoa_peer_priority(StoaMedia *media, StoaPeerId peer, uint32_t sink, unsigned priority)
{
    post(media, peer, &(Command){ .act = act_priority, .number = sink, .a = (int)priority });
}

static void act_limit_spatial(StoaPeer *peer, Command *command)
{
    stoa_outlet_limit_spatial(stoa_peer_outlet(peer, command->number), command->a);
}

void stoa_peer_limit_spatial(StoaMedia *media, StoaPeerId peer, uint32_t sink, int spatial)
{
    post(media, peer, &(Command){ .act = act_limit_spatial, .number = sink, .a = spatial });
}

static void act_fallback(StoaPeer *peer, Command *command)
{
    stoa_outlet_fallback(stoa_peer_outlet(peer, command->number), command->a);
}

void stoa_peer_fallback(StoaMedia *media, StoaPeerId peer, uint32_t sink, uint32_t us)
{
    post(media, peer,
         &(Command){ .act = act_fallback, .number = sink, .a = (int)MIN(us, INT_MAX) });
}

static void act_delay(StoaPeer *peer, Command *command)
{
    stoa_outlet_delay(stoa_peer_outlet(peer, command->number),
                      (StoaDelay){ (int16_t)command->a, (int16_t)command->b });
}

void stoa_peer_delay(StoaMedia *media, StoaPeerId peer, uint32_t sink, StoaDelay delay)
{
    post(media, peer,
         &(Command){ .act = act_delay, .number = sink, .a = delay.least, .b = delay.most });
}

/* -- tracks -------------------------------------------------------------------------------- */

static void act_mute(StoaPeer *peer, Command *command)
{
    StoaFeed *feed = stoa_peer_feed(peer, command->number);

    if (feed)
        stoa_feed_mute(feed, command->flag);
}

void stoa_peer_mute(StoaMedia *media, StoaPeerId peer, uint32_t track, bool muted)
{
    post(media, peer, &(Command){ .act = act_mute, .number = track, .flag = muted });
}

static void act_keyframe(StoaPeer *peer, Command *command)
{
    StoaFeed *feed = stoa_peer_feed(peer, command->number);

    if (feed)
        stoa_feed_want_keyframe(feed, -1);
}

void stoa_peer_keyframe(StoaMedia *media, StoaPeerId peer, uint32_t track)
{
    post(media, peer, &(Command){ .act = act_keyframe, .number = track });
}

static void act_watch_level(StoaPeer *peer, Command *command)
{
    StoaFeed *feed = stoa_peer_feed(peer, command->number);

    if (!feed)
        return;
    g_clear_pointer(&feed->level, stoa_level_free);
    if (command->a > 0)
        feed->level = stoa_level_new((unsigned)command->a, (unsigned)command->b);
}

static void act_watch_voice(StoaPeer *peer, Command *command)
{
    StoaFeed *feed = stoa_peer_feed(peer, command->number);

    if (feed)
        feed->hears_voice = command->flag;
}

void stoa_peer_watch_voice(StoaMedia *media, StoaPeerId peer, uint32_t track, bool on)
{
    post(media, peer, &(Command){ .act = act_watch_voice, .number = track, .flag = on });
}

void stoa_peer_watch_level(StoaMedia *media, StoaPeerId peer, uint32_t track, unsigned packets,
                           unsigned level)
{
    post(media, peer,
         &(Command){ .act = act_watch_level,
                     .number = track,
                     .a = (int)MIN(packets, 1000),
                     .b = (int)MIN(level, 127) });
}

static void act_bitrate(StoaPeer *peer, Command *command)
{
    peer->had_limit |= peer->max_bps > 0;
    peer->max_bps = (uint32_t)command->number;
    stoa_wheel_set_by(&peer->worker->wheel, &peer->report, peer->worker->now_us);
}

void stoa_peer_bitrate(StoaMedia *media, StoaPeerId peer, uint32_t bps)
{
    post(media, peer, &(Command){ .act = act_bitrate, .number = bps });
}

/* A tap that no feed takes is done at once. */
static void act_tap(StoaPeer *peer, Command *command)
{
    StoaFeed *feed = stoa_peer_feed(peer, command->number);

    if (feed) {
        stoa_feed_set_tap(feed, command->tap);
        command->tap.done = NULL;
    }
}

static void tap_done(Command *command)
{
    if (command->tap.done)
        stoa_control_post(command->tap.done, command->tap.data, NULL);
}

void stoa_peer_tap(StoaMedia *media, StoaPeerId peer, uint32_t track, StoaTapFunc *fn, void *data,
                   GDestroyNotify done)
{
    Command command = {
        .act = act_tap, .done = tap_done, .number = track, .tap = { fn, data, done }
    };

    if (!post(media, peer, &command))
        tap_done(&command);
}

/* -- data and statistics ------------------------------------------------------------------- */

bool stoa_peer_send_data(StoaMedia *media, StoaPeerId peer, const char *label, const void *buf,
                         size_t len, bool text)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    return record && record->sctp &&
           stoa_sctp_send_label(record->sctp, label, buf, len, text) == STOA_SCTP_QUEUED;
}

size_t stoa_peer_data_waiting(StoaMedia *media, StoaPeerId peer)
{
    const StoaPeerRecord *record = stoa_media_peer(media, peer);

    return record && record->sctp ? stoa_sctp_queued(record->sctp) : 0;
}

static StoaSctpReliability reliability_of(const StoaDataChannel *channel)
{
    return (StoaSctpReliability){
        .unordered = channel->unordered,
        .has_max_retransmits = channel->limit_retransmits,
        .max_retransmits = channel->max_retransmits,
        .has_max_lifetime = channel->max_life_ms > 0,
        .max_lifetime_ms = channel->max_life_ms,
    };
}

bool stoa_peer_relay_data(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel,
                          const void *buf, size_t len, bool text)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);
    const StoaSctpReliability reliability = reliability_of(channel);

    return record && record->sctp &&
           stoa_sctp_relay(record->sctp, channel->label, channel->protocol, &reliability, buf, len,
                           text) == STOA_SCTP_QUEUED;
}

bool stoa_peer_open_channel(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);
    const StoaSctpReliability reliability = reliability_of(channel);

    if (!record || !record->sctp)
        return false;
    if (channel->negotiated)
        stoa_sctp_add_channel(record->sctp, channel->id, channel->label, channel->protocol,
                              &reliability);
    else
        stoa_sctp_open_channel(record->sctp, channel->label, channel->protocol, &reliability);
    return true;
}

void stoa_peer_close_channel(StoaMedia *media, StoaPeerId peer, const char *label)
{
    StoaPeerRecord *record = stoa_media_peer(media, peer);

    if (record && record->sctp)
        stoa_sctp_close_label(record->sctp, label);
}

/* A question on its way to the worker and back. */
typedef struct {
    void (*got)(json_t *stats, void *data);
    void *data;
    json_t *stats; /* NULL: the peer is gone */
} Question;

static void answer(void *data)
{
    Question *question = data;

    question->got(g_steal_pointer(&question->stats), question->data);
}

static void free_question(void *data)
{
    Question *question = data;

    json_decref(question->stats);
    g_free(question);
}

static void act_stats(StoaPeer *peer, Command *command)
{
    Question *question = command->rows;

    question->stats = stoa_stats_peer(peer);
}

static void stats_done(Command *command)
{
    stoa_control_post(answer, g_steal_pointer(&command->rows), free_question);
}

void stoa_peer_stats(StoaMedia *media, StoaPeerId peer, void (*got)(json_t *stats, void *data),
                     void *data)
{
    Question *question = g_new0(Question, 1);
    Command command = { .act = act_stats, .done = stats_done, .rows = question };

    *question = (Question){ got, data, NULL };
    if (!post(media, peer, &command))
        stats_done(&command);
}

/* -- figures ------------------------------------------------------------------------------- */

typedef struct {
    void (*got)(const StoaFigures *figures, void *data);
    void *data;
    GDestroyNotify free_data;
    StoaFigures *figures; /* NULL: the peer is gone */
} Survey;

static void hand_over(void *data)
{
    Survey *survey = data;

    survey->got(survey->figures, survey->data);
}

static void survey_free(void *data)
{
    Survey *survey = data;

    if (survey->free_data)
        survey->free_data(survey->data);
    g_free(survey->figures);
    g_free(survey);
}

static void act_figures(StoaPeer *peer, Command *command)
{
    Survey *survey = command->rows;

    survey->figures = stoa_figures_new(peer);
}

static void figures_done(Command *command)
{
    stoa_control_post(hand_over, g_steal_pointer(&command->rows), survey_free);
}

void stoa_peer_figures(StoaMedia *media, StoaPeerId peer,
                       void (*got)(const StoaFigures *figures, void *data), void *data,
                       GDestroyNotify free_data)
{
    Survey *survey = g_new(Survey, 1);
    Command command = { .act = act_figures, .done = figures_done, .rows = survey };

    *survey = (Survey){ got, data, free_data, NULL };
    if (!post(media, peer, &command))
        figures_done(&command);
}
