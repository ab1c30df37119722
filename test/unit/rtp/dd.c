/* SPDX-License-Identifier: MIT */
#include "rtp/dd.h"

#include "dice.h"
#include "rtp/bits.h"

/* Writes bits, most significant first, into zeroed bytes. */
typedef struct {
    uint8_t data[256];
    size_t at;
} Pen;

static void put(Pen *pen, uint32_t value, unsigned n)
{
    while (n-- > 0) {
        if (value >> n & 1)
            pen->data[pen->at / 8] |= (uint8_t)(0x80 >> pen->at % 8);
        pen->at++;
    }
}

static size_t pen_len(const Pen *pen)
{
    return (pen->at + 7) / 8;
}

static void put_mandatory(Pen *pen, bool starts, bool ends, uint8_t template_id, uint16_t number)
{
    put(pen, starts, 1);
    put(pen, ends, 1);
    put(pen, template_id, 6);
    put(pen, number, 16);
}

/* L2T2: templates S0T0, S0T1, S1T0, S1T1; four targets, two chains, sizes. Ids count from 60. */
static void put_structure(Pen *pen)
{
    put(pen, 60, 6);
    put(pen, 4 - 1, 5);
    put(pen, 1, 2); /* next temporal */
    put(pen, 2, 2); /* next spatial */
    put(pen, 1, 2);
    put(pen, 3, 2); /* no more */
    for (unsigned template = 0; template <4; template ++)
        for (unsigned target = 0; target < 4; target++)
            put(pen, (template + target) % 4, 2);
    for (unsigned template = 0; template <4; template ++) {
        for (unsigned i = 0; i < template; i++)
            put(pen, 1u << 4 | i, 5); /* one follows */
        put(pen, 0, 1);
    }
    put(pen, 2, 2);   /* chains: ns(5), 2 is "10" */
    put(pen, 0xa, 4); /* protected by 1 0 1 0: ns(2) is one bit */
    for (unsigned i = 0; i < 4 * 2; i++)
        put(pen, i, 4);
    put(pen, 1, 1);
    put(pen, 639, 16);
    put(pen, 359, 16);
    put(pen, 1279, 16);
    put(pen, 719, 16);
}

static Pen key_frame(void)
{
    Pen pen = { .at = 0 };

    put_mandatory(&pen, true, false, 60, 1000);
    put(&pen, 0x10, 5); /* a structure, nothing else */
    put_structure(&pen);
    return pen;
}

static void a_key_frame_brings_its_structure(void **unused G_GNUC_UNUSED)
{
    StoaDdStructure structure = { 0 };
    Pen pen = key_frame();
    StoaDd dd;

    assert_true(stoa_dd_read(pen.data, pen_len(&pen), &structure, &dd));
    assert_true(dd.starts_frame && !dd.ends_frame && dd.has_structure && dd.knows_layers);
    assert_int_equal(dd.frame_number, 1000);
    assert_int_equal(dd.spatial, 0);
    assert_int_equal(dd.temporal, 0);
    assert_true(dd.has_active_targets && dd.active_targets == 15);
    assert_true(structure.is_known);
    assert_int_equal(structure.n_templates, 4);
    assert_int_equal(structure.n_targets, 4);
    assert_int_equal(structure.n_chains, 2);
    assert_int_equal(structure.n_fdiffs[3], 3);
    assert_int_equal(structure.n_resolutions, 2);
    assert_int_equal(structure.width[1], 1280);
    assert_int_equal(structure.height[0], 360);
    assert_int_equal(stoa_dd_indication(&dd, 0), STOA_DD_NOT_PRESENT);
    assert_int_equal(stoa_dd_indication(&dd, 3), STOA_DD_REQUIRED);
}

static void later_frames_refer_to_it(void **unused G_GNUC_UNUSED)
{
    StoaDdStructure structure = { 0 };
    Pen key = key_frame(), pen = { .at = 0 };
    StoaDd dd;

    assert_true(stoa_dd_read(key.data, pen_len(&key), &structure, &dd));
    put_mandatory(&pen, true, true, 63, 1001); /* template 3: S1T1 */
    assert_true(stoa_dd_read(pen.data, 3, &structure, &dd));
    assert_true(dd.knows_layers && !dd.has_structure && dd.ends_frame);
    assert_int_equal(dd.spatial, 1);
    assert_int_equal(dd.temporal, 1);

    put(&pen, 0x0f, 5); /* active targets, and everything of its own */
    put(&pen, 0x3, 4);
    put(&pen, 0xe4, 8); /* indications 3 2 1 0 */
    put(&pen, 1, 2);    /* a difference of 4 bits, one of 12, no more */
    put(&pen, 5, 4);
    put(&pen, 3, 2);
    put(&pen, 99, 12);
    put(&pen, 0, 2);
    put(&pen, 0x1234, 16);
    assert_true(stoa_dd_read(pen.data, pen_len(&pen), &structure, &dd));
    assert_true(dd.has_active_targets && dd.active_targets == 3);
    assert_int_equal(stoa_dd_indication(&dd, 0), STOA_DD_REQUIRED);
    assert_int_equal(stoa_dd_indication(&dd, 3), STOA_DD_NOT_PRESENT);
    assert_false(stoa_dd_read(pen.data, pen_len(&pen) - 1, &structure, &dd));

    pen = (Pen){ .at = 0 };
    put_mandatory(&pen, true, true, 0, 1002); /* 60 + 4: one too far */
    assert_false(stoa_dd_read(pen.data, 3, &structure, &dd));
}

static void without_a_structure_the_mandatory_fields_are_read(void **unused G_GNUC_UNUSED)
{
    StoaDdStructure structure = { 0 };
    Pen pen = { .at = 0 };
    StoaDd dd;

    put_mandatory(&pen, false, true, 5, 7);
    assert_true(stoa_dd_read(pen.data, 3, &structure, &dd));
    assert_true(dd.ends_frame && !dd.knows_layers);
    assert_int_equal(dd.template_id, 5);
    assert_false(stoa_dd_read(pen.data, 2, &structure, &dd));
}

static void a_structure_cut_short_leaves_the_old_one(void **unused G_GNUC_UNUSED)
{
    StoaDdStructure structure = {
        .is_known = true, .n_templates = 1, .id_offset = 60, .n_targets = 1
    };
    Pen pen = key_frame();
    StoaDd dd;

    for (size_t len = 4; len < pen_len(&pen); len++) {
        uint8_t *cut = dice_exact(pen.data, len);

        assert_false(stoa_dd_read(cut, len, &structure, &dd));
        assert_int_equal(structure.n_templates, 1);
        free(cut);
    }
}

static void numbers_below_a_bound_are_read_as_written(void **unused G_GNUC_UNUSED)
{
    /* ns(5): 0, 1, 2 in two bits, 3 and 4 in three */
    static const uint8_t data[] = { 0x1b, 0x80 | 0x70 }; /* 00 01 10 110 111 */
    StoaBits bits;
    Pen pen = { .at = 0 };

    put(&pen, 0, 2);
    put(&pen, 1, 2);
    put(&pen, 2, 2);
    put(&pen, 6, 3);
    put(&pen, 7, 3);
    bits = stoa_bits_of(pen.data, 2);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(stoa_bits_get_below(&bits, 5), i);
    assert_int_equal(stoa_bits_get_below(&bits, 1), 0);
    assert_int_equal(bits.at, 12);
    bits = stoa_bits_of(data, 2);
    assert_int_equal(stoa_bits_get(&bits, 16), 0x1bf0);
    assert_int_equal(stoa_bits_get(&bits, 1), 0);
    assert_true(bits.has_overrun);
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    StoaDdStructure structure = { 0 };

    for (unsigned n = 0; n < 40000; n++) {
        size_t len = dice_below(60);
        uint8_t *noise = malloc(len + 1);
        StoaDd dd;

        dice_fill(noise, len);
        if (stoa_dd_read(noise, len, &structure, &dd) && dd.knows_layers)
            assert_true(dd.spatial < 4 && dd.temporal < 8);
        assert_true(structure.n_templates <= STOA_DD_MAX_TEMPLATES);
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_frame_brings_its_structure),
        cmocka_unit_test(later_frames_refer_to_it),
        cmocka_unit_test(without_a_structure_the_mandatory_fields_are_read),
        cmocka_unit_test(a_structure_cut_short_leaves_the_old_one),
        cmocka_unit_test(numbers_below_a_bound_are_read_as_written),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
