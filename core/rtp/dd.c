/* SPDX-License-Identifier: MIT */
/* The dependency descriptor. (RTP Payload Format For AV1, appendix A.8) */

#include "rtp/dd.h"

#include <string.h>

#include "rtp/bits.h"

#define MANDATORY_LEN 3
#define MAX_SPATIAL   4
#define MAX_TEMPORAL  8

/* The flags of the extended fields. */
typedef struct {
    bool structure, active_targets, custom_dtis, custom_fdiffs, custom_chains;
} Flags;

/* Each template follows from the one before: same layer, next temporal, next spatial, or no more. */
static bool read_layers(StoaBits *bits, StoaDdStructure *structure)
{
    uint8_t spatial = 0, temporal = 0;

    for (;;) {
        uint32_t next;

        if (structure->n_templates == STOA_DD_MAX_TEMPLATES || spatial >= MAX_SPATIAL ||
            temporal >= MAX_TEMPORAL)
            return false;
        structure->spatial[structure->n_templates] = spatial;
        structure->temporal[structure->n_templates++] = temporal;
        next = stoa_bits_get(bits, 2);
        if (bits->has_overrun || next == 3)
            return !bits->has_overrun;
        if (next == 1)
            temporal++;
        if (next == 2) {
            temporal = 0;
            spatial++;
        }
    }
}

static uint64_t read_indications(StoaBits *bits, unsigned n_targets)
{
    uint64_t indications = 0;

    for (unsigned target = 0; target < n_targets; target++)
        indications |= (uint64_t)stoa_bits_get(bits, 2) << 2 * target;
    return indications;
}

static void read_fdiffs(StoaBits *bits, StoaDdStructure *structure)
{
    for (unsigned i = 0; i < structure->n_templates; i++) {
        while (stoa_bits_get(bits, 1)) {
            stoa_bits_get(bits, 4);
            structure->n_fdiffs[i]++;
        }
    }
}

static void read_chains(StoaBits *bits, StoaDdStructure *structure)
{
    structure->n_chains = (uint8_t)stoa_bits_get_below(bits, structure->n_targets + 1u);
    if (structure->n_chains == 0)
        return;
    for (unsigned target = 0; target < structure->n_targets; target++)
        stoa_bits_get_below(bits, structure->n_chains);
    for (unsigned i = 0; i < (unsigned)structure->n_templates * structure->n_chains; i++)
        stoa_bits_get(bits, 4);
}

static void read_resolutions(StoaBits *bits, StoaDdStructure *structure)
{
    unsigned n = structure->spatial[structure->n_templates - 1] + 1u;

    for (unsigned i = 0; i < n; i++) {
        structure->width[i] = (uint16_t)(stoa_bits_get(bits, 16) + 1);
        structure->height[i] = (uint16_t)(stoa_bits_get(bits, 16) + 1);
    }
    structure->n_resolutions = (uint8_t)n;
}

static bool read_structure(StoaBits *bits, StoaDdStructure *structure)
{
    memset(structure, 0, sizeof(*structure));
    structure->id_offset = (uint8_t)stoa_bits_get(bits, 6);
    structure->n_targets = (uint8_t)(stoa_bits_get(bits, 5) + 1);
    if (!read_layers(bits, structure))
        return false;
    for (unsigned i = 0; i < structure->n_templates; i++)
        structure->indications[i] = read_indications(bits, structure->n_targets);
    read_fdiffs(bits, structure);
    read_chains(bits, structure);
    if (stoa_bits_get(bits, 1))
        read_resolutions(bits, structure);
    structure->is_known = !bits->has_overrun;
    return structure->is_known;
}

/* What the template says of this frame, and what the frame says otherwise. */
static bool read_definition(StoaBits *bits, const StoaDdStructure *structure, const Flags *flags,
                            StoaDd *dd)
{
    unsigned template = (dd->template_id + 64u - structure->id_offset) % 64;

    if (template >= structure->n_templates)
        return false;
    dd->spatial = structure->spatial[template];
    dd->temporal = structure->temporal[template];
    dd->indications = structure->indications[template];
    if (flags->custom_dtis)
        dd->indications = read_indications(bits, structure->n_targets);
    if (flags->custom_fdiffs)
        for (uint32_t size; (size = stoa_bits_get(bits, 2)) != 0;)
            stoa_bits_get(bits, 4 * size);
    if (flags->custom_chains)
        for (unsigned i = 0; i < structure->n_chains; i++)
            stoa_bits_get(bits, 8);
    dd->knows_layers = true;
    return !bits->has_overrun;
}

static Flags read_flags(StoaBits *bits)
{
    Flags flags;

    flags.structure = stoa_bits_get(bits, 1);
    flags.active_targets = stoa_bits_get(bits, 1);
    flags.custom_dtis = stoa_bits_get(bits, 1);
    flags.custom_fdiffs = stoa_bits_get(bits, 1);
    flags.custom_chains = stoa_bits_get(bits, 1);
    return flags;
}

static uint32_t all_targets(const StoaDdStructure *structure)
{
    return (uint32_t)(((uint64_t)1 << structure->n_targets) - 1);
}

/* The fields after the mandatory ones. `fresh` gets a structure if one came. */
static bool read_extended(StoaBits *bits, const StoaDdStructure *structure, StoaDdStructure *fresh,
                          StoaDd *dd)
{
    Flags flags = { 0 };

    if (bits->n_bits > MANDATORY_LEN * 8)
        flags = read_flags(bits);
    dd->has_structure = flags.structure;
    if (flags.structure) {
        if (!read_structure(bits, fresh))
            return false;
        structure = fresh;
        dd->has_active_targets = true;
        dd->active_targets = all_targets(fresh);
    }
    if (!structure->is_known)
        return true; /* came in the middle: layers are unknown until a key frame */
    if (flags.active_targets) {
        dd->has_active_targets = true;
        dd->active_targets = stoa_bits_get(bits, structure->n_targets);
    }
    return read_definition(bits, structure, &flags, dd);
}

bool stoa_dd_read(const uint8_t *data, size_t len, StoaDdStructure *structure, StoaDd *dd)
{
    StoaBits bits = stoa_bits_of(data, len);
    StoaDdStructure fresh;
    StoaDd read = { 0 };

    if (len < MANDATORY_LEN)
        return false;
    read.starts_frame = stoa_bits_get(&bits, 1);
    read.ends_frame = stoa_bits_get(&bits, 1);
    read.template_id = (uint8_t)stoa_bits_get(&bits, 6);
    read.frame_number = (uint16_t)stoa_bits_get(&bits, 16);
    if (!read_extended(&bits, structure, &fresh, &read))
        return false;
    if (read.has_structure)
        *structure = fresh;
    *dd = read;
    return true;
}
