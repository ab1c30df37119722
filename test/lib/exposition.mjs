/* SPDX-License-Identifier: MIT */
/* A strict reader of the Prometheus text format, version 0.0.4: what its published rules forbid is an error, and so is a name that its
 * naming practices advise against. */
import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/, LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const NUMBER = /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN)$/;
const KINDS = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
/* Base units are seconds, bytes, ratios (naming practices); these words are of others. */
const FOREIGN = ['us', 'ms', 'ns', 'microseconds', 'milliseconds', 'minutes', 'hours', 'kb', 'mb', 'kilobytes', 'megabytes', 'bits', 'bps', 'kbps', 'percent'];

const number = (text) => Number(text.replace(/Inf$/, 'Infinity'));

/* `\\` and `\n`, and in a label's value `\"`: there are no other escapes. */
function unescape(text, allowed, where) {
    return text.replace(/\\(.?)/gs, (all, one) => {
        assert.ok(one && allowed.includes(one), `no such escape: ${where}`);
        return one === 'n' ? '\n' : one;
    });
}

/* `{a="b",c="d"}` at the start of `text`: [labels, what follows]. A comma may stand behind the last. */
function readLabels(text, line) {
    const labels = {};
    let rest = text.slice(1);
    while (!rest.startsWith('}')) {
        const [label] = rest.match(LABEL) ?? assert.fail(`no label: ${line}`);
        assert.ok(!(label in labels), `${label} comes twice: ${line}`);
        const [all, value] = rest.slice(label.length).match(/^="((?:[^"\\]|\\.)*)"/) ?? assert.fail(`no value of ${label}: ${line}`);
        labels[label] = unescape(value, '\\"n', line);
        rest = rest.slice(label.length + all.length);
        if (rest.startsWith(','))
            rest = rest.slice(1);
        else
            assert.ok(rest.startsWith('}'), `neither , nor }: ${line}`);
    }
    return [labels, rest.slice(1)];
}

function readSample(line) {
    const [name] = line.match(NAME) ?? assert.fail(`no name: ${line}`);
    const after = line.slice(name.length);
    const [labels, rest] = after.startsWith('{') ? readLabels(after, line) : [{}, after];
    const [value, timestamp, ...more] = rest.split(/[ \t]+/).slice(1);
    assert.ok(/^[ \t]/.test(rest) && value !== undefined && more.length === 0, `not name, value and perhaps a time: ${line}`);
    assert.match(value, NUMBER, line);
    assert.match(timestamp ?? '0', /^-?\d+$/, line);
    return { name, labels, value: number(value) };
}

/* The family that a sample belongs to: a histogram's and a summary's have endings. */
function familyOf(families, name) {
    const [, base, ending] = name.match(/^(.*)_(bucket|sum|count)$/) ?? [];
    const family = families.get(base);
    return family?.kind === 'histogram' || (family?.kind === 'summary' && ending !== 'bucket') ? family : families.get(name);
}

const keyOf = (labels) => JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le').sort());

function checkHistogram({ name, samples }) {
    const sets = new Map();
    for (const sample of samples) {
        const set = sets.get(keyOf(sample.labels)) ?? { buckets: [] };
        sets.set(keyOf(sample.labels), set);
        const ending = sample.name.slice(name.length + 1);
        assert.ok(['bucket', 'sum', 'count'].includes(ending), sample.name);
        assert.equal('le' in sample.labels, ending === 'bucket', `le of ${sample.name}`);
        if (ending === 'bucket')
            set.buckets.push({ le: number(sample.labels.le), n: sample.value });
        else
            set[ending] = sample.value;
    }
    for (const [labels, { buckets, sum, count }] of sets) {
        const what = `${name}${labels}`;
        assert.ok(buckets.length > 1 && sum >= 0 && count >= 0, `${what} lacks a part`);
        buckets.slice(1).forEach(({ le, n }, i) => assert.ok(le > buckets[i].le && n >= buckets[i].n, `${what}: ${le} after ${buckets[i].le}, ${n} after ${buckets[i].n}`));
        assert.equal(buckets.at(-1).le, Infinity, what);
        assert.equal(buckets.at(-1).n, count, what);
        /* no bucket's observations can add up to more than all together did */
        assert.ok(sum >= buckets.slice(1).reduce((least, { n }, i) => least + (n - buckets[i].n) * buckets[i].le, 0), `${what}: a sum of ${sum}`);
    }
}

function checkFamily(family) {
    const { name, kind, help, samples } = family;
    assert.ok(kind, `${name} has no TYPE`);
    assert.ok(help, `${name} has no HELP`);
    assert.ok(samples.length > 0, `${name} has no sample`);
    assert.equal(/_total$/.test(name), kind === 'counter', `${name} is a ${kind}`);
    assert.deepEqual(name.split('_').filter((word) => FOREIGN.includes(word)), [], `${name}: not a base unit`);
    for (const { labels, value } of samples)
        assert.ok(kind === 'gauge' || (value >= 0 && Number.isInteger(value)) || kind === 'histogram', `${name}${JSON.stringify(labels)} is ${value}`);
    if (kind === 'histogram')
        checkHistogram(family);
}

/** Read all of a page: its families by name, {name, kind, help, samples: [{name, labels, value}]}; each has help and a type. */
export function readExposition(text) {
    const families = new Map(), seen = new Set();
    let open = null;
    assert.ok(text.endsWith('\n') && !text.includes('\r'), 'lines end in a line feed, the last one too');
    /* all of a family stand together: one that was left is not come back to */
    const turnTo = (name) => {
        if (open?.name === name)
            return open;
        assert.ok(!families.has(name), `${name} is in two places`);
        open = { name, samples: [] };
        families.set(name, open);
        return open;
    };
    for (const line of text.slice(0, -1).split('\n')) {
        const [, word, name, rest] = line.match(/^#[ \t]+(HELP|TYPE)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/) ?? [];
        if (word) {
            assert.match(name, new RegExp(`${NAME.source}$`), line);
            const family = turnTo(name), part = word === 'TYPE' ? 'kind' : 'help';
            assert.ok(!(part in family), `twice: ${line}`);
            assert.equal(family.samples.length, 0, `after a sample: ${line}`);
            family[part] = word === 'TYPE' ? rest : unescape(rest ?? '', '\\n', line);
            assert.ok(word === 'HELP' || KINDS.includes(rest), line);
        } else if (line && !line.startsWith('#')) {
            const sample = readSample(line), key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
            assert.ok(!seen.has(key), `twice: ${line}`);
            seen.add(key);
            assert.equal(familyOf(families, sample.name), open, `not below its TYPE: ${line}`);
            open.samples.push(sample);
        }
    }
    families.forEach(checkFamily);
    return families;
}

/** The value of one sample with exactly these labels; undefined: there is none. */
export function valueOf(families, name, labels = {}) {
    const same = (other) => JSON.stringify(Object.entries(other).sort()) === JSON.stringify(Object.entries(labels).sort());
    return familyOf(families, name)?.samples.find((one) => one.name === name && same(one.labels))?.value;
}

/** The values of a family, added up over all labels but these. */
export const sumOf = (families, name, labels = {}) => families.get(name)?.samples
    .filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
