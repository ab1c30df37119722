/* SPDX-License-Identifier: MIT */
#pragma once /* The dependency descriptor: layers of AV1 and VP9 in a header extension. (AV1 RTP spec, appendix A) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_DD_MAX_TEMPLATES 64
#define STOA_DD_MAX_TARGETS   32

/* How a frame stands to a decode target. */
typedef enum {
    STOA_DD_NOT_PRESENT,
    STOA_DD_DISCARDABLE,
    STOA_DD_SWITCH,
    STOA_DD_REQUIRED
} StoaDdIndication;

/* What a key frame's descriptor says once for the frames after it. The owner (a source) keeps it. */
typedef struct {
    bool is_known;
    uint8_t id_offset; /* template ids count from here, modulo 64 */
    uint8_t n_templates, n_targets, n_chains;
    uint8_t spatial[STOA_DD_MAX_TEMPLATES], temporal[STOA_DD_MAX_TEMPLATES];
    uint8_t n_fdiffs[STOA_DD_MAX_TEMPLATES];
    uint64_t indications[STOA_DD_MAX_TEMPLATES]; /* 2 bits a target, target 0 lowest */
    uint8_t n_resolutions;                       /* 0: not told; else one for each spatial layer */
    uint16_t width[4], height[4];
} StoaDdStructure;

/* One descriptor. */
typedef struct {
    bool starts_frame, ends_frame;
    uint8_t template_id;
    uint16_t frame_number;
    bool has_structure; /* a structure came with it: a key frame */
    bool knows_layers;  /* spatial, temporal and indications are meaningful */
    uint8_t spatial, temporal;
    uint64_t indications; /* 2 bits a target */
    bool has_active_targets;
    uint32_t active_targets; /* bit per decode target */
} StoaDd;

/**
 * Read one descriptor.
 *
 * @data       borrowed, the extension's element
 * @structure  of this stream; replaced when the descriptor brings one that is whole
 * @dd         written on success only
 *
 * Returns false if it is cut short or contradicts itself. Without a structure that fits, the
 * mandatory fields are still read and `knows_layers` is false.
 * Thread: that of the structure's owner.   Fuzzed by: test/fuzz/fuzz_rtp.c
 */
bool stoa_dd_read(const uint8_t *data, size_t len, StoaDdStructure *structure, StoaDd *dd);

/** How a frame stands to decode target `target`. */
static inline StoaDdIndication stoa_dd_indication(const StoaDd *dd, unsigned target)
{
    return (StoaDdIndication)(dd->indications >> 2 * target & 3);
}
