/* SPDX-License-Identifier: MIT */
/* Signatures of the kinds of files that people share, and of those that they had better not. */
#include "config.h"

#include "web/sniff.h"

#include <glib.h>
#include <string.h>

typedef struct {
    uint16_t at, len;
    const char *bytes;
    const char *type;
} Signature;

#define SIGN(at, text, type)             \
    {                                    \
        at, sizeof(text) - 1, text, type \
    }

/* Text that runs. It is no text/…, for who allows text means what is read. */
#define SCRIPT "application/x-script"

/* The first that fits counts. */
static const Signature signatures[] = {
    SIGN(0, "\x89PNG\r\n\x1a\n", "image/png"),
    SIGN(0, "\xff\xd8\xff", "image/jpeg"),
    SIGN(0, "GIF87a", "image/gif"),
    SIGN(0, "GIF89a", "image/gif"),
    SIGN(8, "WEBP", "image/webp"),
    SIGN(4, "ftypavif", "image/avif"),
    SIGN(4, "ftypheic", "image/heic"),
    SIGN(4, "ftypmif1", "image/heic"),
    SIGN(0, "II*\0", "image/tiff"),
    SIGN(0, "MM\0*", "image/tiff"),
    SIGN(8, "WAVEfmt", "audio/wav"),
    SIGN(8, "AVI LIST", "video/x-msvideo"),
    SIGN(0, "ID3", "audio/mpeg"),
    SIGN(0, "\xff\xfb", "audio/mpeg"),
    SIGN(0, "\xff\xf3", "audio/mpeg"),
    SIGN(0, "OggS", "audio/ogg"),
    SIGN(0, "fLaC", "audio/flac"),
    SIGN(0, "MThd", "audio/midi"),
    SIGN(4, "ftypM4A", "audio/mp4"),
    SIGN(4, "ftypqt", "video/quicktime"),
    SIGN(4, "ftyp", "video/mp4"),
    SIGN(0, "\x1a\x45\xdf\xa3", "video/webm"),
    SIGN(0, "%PDF-", "application/pdf"),
    SIGN(0, "{\\rtf", "application/rtf"),
    SIGN(0, "\x1f\x8b", "application/gzip"),
    SIGN(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    SIGN(0, "Rar!\x1a\x07", "application/vnd.rar"),
    SIGN(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    SIGN(0,
         "\x7f"
         "ELF",
         "application/x-executable"),
    SIGN(0, "MZ", "application/x-dosexec"),
    SIGN(0, "\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    SIGN(0, "\xce\xfa\xed\xfe", "application/x-mach-binary"),
    SIGN(0, "\xca\xfe\xba\xbe", "application/java-vm"),
    SIGN(0, "L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    SIGN(0, "\0asm", "application/wasm"),
    SIGN(0, "\xfe\xed\xfa\xce", "application/x-mach-binary"),
    SIGN(0, "\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    SIGN(0, "!<arch>\ndebian-binary", "application/x-debian-package"),
    SIGN(0, "\xed\xab\xee\xdb", "application/x-rpm"),
    SIGN(0, "dex\n", "application/x-dex"),
    SIGN(0, "#!", SCRIPT),
};

static bool has(const uint8_t *head, size_t len, const char *text)
{
    return memmem(head, len, text, strlen(text)) != NULL;
}

/* A zip's first entries tell which kind of document it is. (OPC; OpenDocument 1.3, part 2; EPUB OCF) */
static const char *sniff_zip(const uint8_t *head, size_t len)
{
    static const char *const stored[] = {
        "application/epub+zip",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.graphics",
    };

    for (size_t i = 0;
         len > 38 && memcmp(head + 30, "mimetype", 8) == 0 && i < G_N_ELEMENTS(stored); i++) {
        if (has(head + 38, MIN(len - 38, 80), stored[i]))
            return stored[i];
    }
    if (has(head, len, "META-INF/MANIFEST.MF") || has(head, len, "AndroidManifest.xml"))
        return "application/java-archive";
    if (!has(head, len, "[Content_Types].xml") && !has(head, len, "_rels/"))
        return "application/zip";
    if (has(head, len, "word/"))
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    if (has(head, len, "ppt/"))
        return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}

static bool begins(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && g_ascii_strncasecmp(text, with, strlen(with)) == 0;
}

/* What a double click or a shell runs: of others that have no such beginning the text does not tell. */
static bool is_script(const char *text, size_t len)
{
    static const char *const heads[] = { "#!",
                                         "@echo off",
                                         "<?php",
                                         "REGEDIT4",
                                         "Windows Registry",
                                         "[Desktop Entry]",
                                         "[InternetShortcut]" };

    while (len > 0 && g_ascii_isspace(*text)) {
        text++;
        len--;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
        if (begins(text, len, heads[i]))
            return true;
    }
    return false;
}

/* Windows writes some in UTF-16: of that every other byte will do. */
static bool is_wide_script(const uint8_t *head, size_t len)
{
    char narrow[64] = { 0 };
    size_t n = 0;

    if (len < 2 || head[0] + head[1] != 0xff + 0xfe)
        return false;
    for (size_t i = head[0] == 0xff ? 2 : 3; i < len && n < sizeof narrow; i += 2)
        narrow[n++] = (char)head[i];
    return is_script(narrow, n);
}

static const char *sniff_markup(const char *text, size_t len)
{
    static const char *const html[] = { "<!doctype html", "<html", "<head",  "<body", "<script",
                                        "<iframe",        "<!--",  "<table", "<div",  "<style",
                                        "<title",         "<a ",   "<p>",    "<h1" };

    for (size_t i = 0; i < G_N_ELEMENTS(html); i++) {
        if (begins(text, len, html[i]))
            return "text/html";
    }
    if (has((const uint8_t *)text, len, "<svg"))
        return "image/svg+xml";
    return begins(text, len, "<?xml") ? "text/xml" : "text/plain";
}

static const char *sniff_text(const char *text, size_t len)
{
    const char *end;

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    if (is_script(text, len))
        return SCRIPT;
    if (!g_utf8_validate_len(text, len, &end) && (len - (size_t)(end - text) >= 4 || len < 8))
        return STOA_SNIFF_UNKNOWN; /* a character that the head cuts off is no fault */
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)text[i] < 0x20 && !strchr("\t\n\r\f\033", text[i]))
            return STOA_SNIFF_UNKNOWN;
        if (text[i] == '\0')
            return STOA_SNIFF_UNKNOWN;
    }
    while (len > 0 && g_ascii_isspace(*text)) {
        text++;
        len--;
    }
    return sniff_markup(text, len);
}

const char *stoa_sniff(const uint8_t *head, size_t len)
{
    if (len == 0)
        return "text/plain";
    if (len >= 30 && memcmp(head, "PK\x03\x04", 4) == 0)
        return sniff_zip(head, len);
    if (len >= 14 && memcmp(head, "BM", 2) == 0 && head[6] == 0 && head[7] == 0 && head[8] == 0)
        return "image/bmp";
    for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
        const Signature *one = &signatures[i];
        if (len >= (size_t)one->at + one->len && memcmp(head + one->at, one->bytes, one->len) == 0)
            return one->type;
    }
    return is_wide_script(head, len) ? SCRIPT : sniff_text((const char *)head, len);
}

bool stoa_sniff_is_allowed(const char *type, char *const *list)
{
    for (; list && *list; list++) {
        size_t len = strlen(*list);
        if (strcmp(*list, type) == 0)
            return true;
        if (len > 0 && (*list)[len - 1] == '*' && strncmp(*list, type, len - 1) == 0)
            return true;
    }
    return false;
}

bool stoa_sniff_is_active(const char *type)
{
    return strcmp(type, "text/html") == 0 || strcmp(type, "text/xml") == 0 ||
           strcmp(type, "image/svg+xml") == 0 || strcmp(type, "application/wasm") == 0;
}
