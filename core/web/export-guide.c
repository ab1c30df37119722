/* SPDX-License-Identifier: MIT */
/* What a zip says of itself. Notes and boards are updates of a Yjs document, which only browsers put together: the server cannot
 * write them as text, and in a sealed room nobody can who has not the keys. So the zip brings the way to open them. */
#include "config.h"

#include "web/export-guide.h"

#include <stddef.h>

static const char readme[] =
    "What this class left behind\n"
    "===========================\n"
    "\n"
    "history.json   who was there and when, the chat, the polls, and the list of what was shared.\n"
    "               Any text editor opens it.\n"
    "files/         the files that were shared: \"path\" of an item in history.json names its "
    "file.\n"
    "notes.mjs      a small program that writes notes and boards out, see below.\n"
    "\n"
    "Notes and boards\n"
    "----------------\n"
    "They are in history.json as \"snapshot\" and \"updates\" of an item: pieces of a shared "
    "document\n"
    "(Yjs, in Base64). The server does not read them, so it could not write them here as text.\n"
    "\n"
    "- The easy way, while the server keeps the class: open the page of its history. \"Read the\n"
    "  note\" and \"See the board\" show each, and save it as a text or as a picture.\n"
    "- At any time, without the server: install Node.js, open a terminal in the folder where you\n"
    "  unpacked this, and run\n"
    "\n"
    "      npm install yjs\n"
    "      node notes.mjs\n"
    "\n"
    "  Each note is then beside this file as note-ID.txt, the strokes of each board as\n"
    "  board-ID.json. ID is the \"id\" of the item in history.json.\n"
    "\n"
    "Sealed classes\n"
    "--------------\n"
    "Where a text is {\"sealed\": ...}, the class was encrypted from end to end. The keys were in\n"
    "the browsers of those who were in, never on the server, and are not in here: neither these\n"
    "texts and files nor such notes can be opened from this export. notes.mjs leaves them out.\n";

static const char program[] =
    "// Writes the notes and boards of history.json out. First: npm install yjs\n"
    "import { readFileSync, writeFileSync } from 'node:fs';\n"
    "import * as Y from 'yjs';\n"
    "\n"
    "for (const { workspace } of JSON.parse(readFileSync('history.json', 'utf8')).meetings)\n"
    "    for (const { id, kind, snapshot, updates = [] } of workspace) {\n"
    "        const parts = [snapshot, ...updates].filter(Boolean);\n"
    "        if (!['note', 'board'].includes(kind) || parts.some((part) => part.sealed))\n"
    "            continue;\n"
    "        const doc = new Y.Doc();\n"
    "        for (const part of parts)\n"
    "            Y.applyUpdate(doc, Buffer.from(part, 'base64'));\n"
    "        if (kind === 'note')\n"
    "            writeFileSync(`note-${id}.txt`, doc.getText('note').toString());\n"
    "        else\n"
    "            writeFileSync(`board-${id}.json`, JSON.stringify(doc.getArray('marks'), null, "
    "2));\n"
    "    }\n";

const StoaExportPage *stoa_export_guide(void)
{
    static const StoaExportPage pages[] = {
        { "README.txt", readme },
        { "notes.mjs", program },
        { NULL, NULL },
    };

    return pages;
}
