/* SPDX-License-Identifier: MIT */
/* The fixtures with random damage: whatever can still be read is negotiated, and what we write about it can be read. */
#include "bed.h"

#include <glib.h>

enum { ROUNDS = 4000 };

static char *random_line(GRand *random, char **lines, guint n)
{
    return lines[g_rand_int_range(random, 0, (gint32)n)];
}

static void flip_bytes(GRand *random, GString *text)
{
    static const char favourites[] = " :;,/=-~0129*a\r\n\t\xff";

    for (int n = g_rand_int_range(random, 1, 6); n > 0 && text->len > 0; n--) {
        gint32 at = g_rand_int_range(random, 0, (gint32)text->len);

        text->str[at] = favourites[g_rand_int_range(random, 0, sizeof favourites - 1)];
    }
}

/* Lines are dropped, doubled, moved and taken from elsewhere; then some bytes change. */
static GString *mutate(GRand *random, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    guint n = g_strv_length(lines);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < n; i++) {
        gint32 chance = g_rand_int_range(random, 0, 100);

        if (chance == 0 && i > 0)
            continue;
        g_string_append_printf(out, "%s\r\n", lines[i]);
        if (chance == 1)
            g_string_append_printf(out, "%s\r\n", random_line(random, lines, n));
        if (chance == 2)
            g_string_append_printf(out, "%s\r\n", lines[i]);
    }
    if (g_rand_int_range(random, 0, 3) == 0)
        flip_bytes(random, out);
    return out;
}

static StoaSdpRules random_rules(GRand *random)
{
    static const char *const codecs[] = { NULL, "vp8", "vp9,av1", "h264,vp8", "opus,pcma", "" };
    StoaSdpRules rules;

    stoa_sdp_rules_init(&rules);
    rules.video.codecs = codecs[g_rand_int_range(random, 0, G_N_ELEMENTS(codecs))];
    rules.video.can_receive = g_rand_boolean(random);
    rules.audio.can_send = g_rand_boolean(random);
    rules.audio.red = g_rand_boolean(random);
    rules.video.simulcast = g_rand_boolean(random);
    rules.video.every = g_rand_boolean(random);
    return rules;
}

static void says_what_was_planned(const StoaSdpPlan *plan, const char *text)
{
    g_autoptr(StoaSdp) sdp = parse(text);

    assert_int_equal(sdp->media->len, plan->lines->len);
    for (guint i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);
        const StoaSdpMedia *media = stoa_sdp_media(sdp, i);

        assert_int_equal(media->kind, line->kind);
        assert_int_equal(media->port, line->accepted ? 9 : 0);
        if (line->accepted && line->kind != STOA_SDP_APPLICATION) {
            assert_int_equal(media->direction, line->direction);
            assert_int_equal(stoa_sdp_payload(media, line->pt)->codec, line->codec);
            for (unsigned k = 0; k < line->n_others; k++)
                assert_int_equal(stoa_sdp_payload(media, line->others[k].pt)->codec,
                                 line->others[k].codec);
        }
    }
}

/* Returns whether it got as far as an answer. */
static bool round_trip(GRand *random, const char *text, size_t len, StoaSdpPlan **before)
{
    g_autoptr(StoaSdp) offer = stoa_sdp_read(text, len, NULL, NULL);
    StoaSdpRules rules = random_rules(random);
    g_autoptr(StoaSdpPlan) plan = offer ? stoa_sdp_answer(offer, &rules, *before, NULL) : NULL;
    g_autofree char *answer = NULL;

    if (!plan)
        return false;
    answer = write_dup(plan);
    says_what_was_planned(plan, answer);
    stoa_sdp_plan_free(*before);
    *before = g_rand_int_range(random, 0, 4) == 0 ? g_steal_pointer(&plan) : NULL;
    return true;
}

static void damaged_offers_are_answered_or_refused(void **unused G_GNUC_UNUSED)
{
    GRand *random = g_rand_new_with_seed(20261122);
    StoaSdpPlan *before = NULL;
    unsigned answered = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        g_autofree char *text = load_dup(fixtures[i % G_N_ELEMENTS(fixtures)]);
        GString *damaged = mutate(random, text);

        answered += round_trip(random, damaged->str, damaged->len, &before);
        g_string_free(damaged, TRUE);
    }
    stoa_sdp_plan_free(before);
    g_rand_free(random);
    assert_true(answered > ROUNDS / 10 && answered < ROUNDS);
}

static void cut_offers_are_answered_or_refused(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = load_dup("chromium-simulcast");
    GRand *random = g_rand_new_with_seed(1);
    StoaSdpPlan *before = NULL;

    for (size_t len = 0; len <= strlen(text); len += 7)
        round_trip(random, text, len, &before);
    stoa_sdp_plan_free(before);
    g_rand_free(random);
}

/* A foreign answer to our offer: damaged, it is taken or refused, and what is taken was offered. */
static void damaged_answers_never_agree_to_more_than_was_offered(void **unused G_GNUC_UNUSED)
{
    static const StoaSdpSlot slots[] = {
        { .kind = STOA_SDP_AUDIO,
          .direction = STOA_SDP_SENDONLY,
          .codec = "opus",
          .feedback = STOA_SDP_FB_TWCC,
          .exts = 31 },
        { .kind = STOA_SDP_VIDEO,
          .direction = STOA_SDP_SENDRECV,
          .codec = "vp8",
          .rtx = true,
          .feedback = 15,
          .exts = 1023 },
        { .kind = STOA_SDP_APPLICATION },
    };
    g_autoptr(StoaSdpPlan) offer = stoa_sdp_offer(slots, 3, NULL, NULL);
    g_autofree char *text = write_dup(offer);
    g_autofree char *answer = replace_dup(text, "a=setup:actpass", "a=setup:active");
    GRand *random = g_rand_new_with_seed(7);
    unsigned accepted = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        GString *damaged = mutate(random, answer);
        g_autoptr(StoaSdp) sdp = stoa_sdp_read(damaged->str, damaged->len, NULL, NULL);
        g_autoptr(StoaSdpPlan) plan = sdp ? stoa_sdp_accept_answer(offer, sdp, NULL) : NULL;

        g_string_free(damaged, TRUE);
        accepted += plan != NULL;
        for (guint k = 0; plan && k < plan->lines->len; k++) {
            const StoaSdpLine *mine = stoa_sdp_plan_line(offer, k),
                              *line = stoa_sdp_plan_line(plan, k);

            assert_int_equal(line->direction & ~mine->direction, 0);
            assert_int_equal(line->feedback & ~mine->feedback, 0);
            assert_int_equal(line->codec, mine->codec);
            for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
                assert_true(line->ext_id[ext] == 0 || line->ext_id[ext] == mine->ext_id[ext]);
        }
    }
    g_rand_free(random);
    assert_true(accepted > ROUNDS / 10 && accepted < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_offers_are_answered_or_refused),
        cmocka_unit_test(cut_offers_are_answered_or_refused),
        cmocka_unit_test(damaged_answers_never_agree_to_more_than_was_offered),
    };

    return cmocka_run_group_tests_name("sdp/mutation", tests, NULL, NULL);
}
