/* SPDX-License-Identifier: MIT */
/* What an operator does wrong, and what the gateway says: the exit code, and one clear line that names file, key, what fits. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, tree } from '../lib/gateway.mjs';

let dir;
before(() => { dir = mkdtempSync(join(tmpdir(), 'stoa-operator-')); chmodSync(dir, 0o755); });
after(() => rmSync(dir, { recursive: true }));

const conf = () => join(dir, 'conf');
const plugins = join(dirname(binary), 'modules', 'plugins');
const append = (file, text) => appendFileSync(join(conf(), file), text);
const secret = (mode) => {
    writeFileSync(join(conf(), 'secret'), 'much-too-open\n');
    chmodSync(join(conf(), 'secret'), mode);
};

/* A pair of PEM files that fit, and the key of another pair. */
const keyPair = (mode = 0o600) => {
    for (const name of ['tls', 'other']) {
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
            '-subj', '/CN=localhost', '-keyout', join(conf(), `${name}.key`), '-out', join(conf(), `${name}.pem`)], { stdio: 'ignore' });
        chmodSync(join(conf(), `${name}.key`), mode);
    }
};
const named = (file, section, certificate, key) =>
    ['-t', '-s', `${file}:${section}.certificate=${join(conf(), certificate)}`, '-s', `${file}:${section}.key=${join(conf(), key)}`];

/* what: [what is done to a fresh conf folder, arguments, exit code, what one line of the output must say] */
const table = {
    'all is well': [() => {}, ['-t'], 0, /in order/],
    'a key that nobody knows': [() => append('echotest.conf', '\n[module]\nenabeld = true\n'), ['-t'], 1,
        /^(stoa: )?echotest\.conf: module\.enabeld.*enabled/m],
    'a value that does not fit': [() => {}, ['-t', '-s', 'http:listen.port=eighty'], 1, /http\.conf: listen\.port.*eighty.*0 to 65535/],
    ...Object.fromEntries([['stoa:public.base_url=class.example', /stoa\.conf: public\.base_url.*https/], ['stoa:media.addresses=here', /media\.addresses.*IP addr/],
        ['stoa:public.trusted_proxies=10.0.0.1/8', /public\.trusted_proxies.*192\.0\.2\.0\/24/], ['http:listen.allow_origins=class.example', /http\.conf: .*origins like/],
        ['http:listen.base_path=/', /http\.conf: listen\.base_path.*like \/janus/], ['rooms:ice.servers=turn.example', /rooms\.conf: ice\.servers.*turns/], ['videoroom:room-1234.videocodec=vp8,vp7', /room-1234\.videocodec.*vp9/]]
        .map(([setting, says]) => [`a text that does not look as it has to: ${setting}`, [() => {}, ['-t', '-s', setting], 1, says]])),
    'a room without a number': [() => {}, ['-t', '-s', 'videoroom:room-x.publishers=5'], 1, /videoroom\.conf: \[room-x\].*number of 1 to/],
    'a number out of its range': [() => {}, ['-t', '-s', 'http:listen.port=65536'], 1, /http\.conf: listen\.port.*65536.*0 to 65535/],
    'a section that nobody knows': [() => append('stoa.conf', '\n[limit]\nsdp_bytes = 1\n'), ['-t'], 1, /stoa\.conf: .*limit.*limits/],
    'a file without a module': [() => writeFileSync(join(conf(), 'ecotest.conf'), '[module]\nenabled = true\n'), ['-t'], 1,
        /ecotest\.conf.*no ecotest\.so/],
    'stoa.conf is missing: defaults hold': [() => rmSync(join(conf(), 'stoa.conf')), ['-t'], 0, /in order/],
    'a file that is no conf file': [() => writeFileSync(join(conf(), 'echotest.conf'), 'enabled = true\n'), ['-t'], 1, /echotest\.conf: /],
    'no such conf folder': [() => {}, ['-c', '/nowhere/at/all', '-t'], 1, /\/nowhere\/at\/all/],
    'an override of an unknown key': [() => {}, ['-t', '-s', 'http:listen.prot=1'], 1, /http\.conf: listen\.prot.*"port"/],
    'an override of an unknown file': [() => {}, ['-t', '-s', 'htpp:listen.port=1'], 1, /htpp.*http/],
    'an override of no form': [() => {}, ['-t', '-s', 'listen.port'], 1, /listen\.port.*FILE:SECTION\.KEY=VALUE/],
    'a secret file that is missing': [() => {}, ['-t', '-s', 'stoa:admin.secret=file:nowhere'], 1, /stoa\.conf: admin\.secret.*nowhere/],
    'a secret file that all can read': [() => secret(0o644), ['-t', '-s', 'stoa:admin.secret=file:secret'], 1,
        /stoa\.conf: admin\.secret.*chmod/],
    'a secret file in order': [() => secret(0o600), ['-t', '-s', 'stoa:admin.secret=file:secret'], 0, /in order/],
    ...Object.fromEntries([['http', 'tls'], ['websocket', 'tls'], ['stoa', 'media']].flatMap(([file, section]) => {
        const says = (rest) => new RegExp(`${file}\\.conf: ${section}\\..*${rest}`);
        return [
            [`a certificate in order, ${file}`, [keyPair, () => named(file, section, 'tls.pem', 'tls.key'), 0, /in order/]],
            [`a certificate that is missing, ${file}`, [keyPair, () => named(file, section, 'no.pem', 'tls.key'), 1, says('no\\.pem')]],
            [`a certificate as the key, ${file}`, [keyPair, () => named(file, section, 'tls.pem', 'tls.pem'), 1, says('')]],
            [`another pair's key, ${file}`, [keyPair, () => named(file, section, 'tls.pem', 'other.key'), 1, says('')]],
            [`a certificate without a key, ${file}`, [keyPair, () => named(file, section, 'tls.pem', 'tls.key').slice(0, 3), 1, says('.*key')]],
            [`a key that all can read, ${file}`, [() => keyPair(0o644), () => named(file, section, 'tls.pem', 'tls.key'), 1,
                says('.*chmod 600')]],
        ];
    })),
    ...Object.fromEntries([['http', 'listen'], ['websocket', 'listen'], ['stoa', 'admin']].map(([file, section]) => [`no address of this machine, ${file}`,
        [() => {}, ['-t', '-s', `${file}:${section}.address=999.1.1.1`], 1, new RegExp(`${file}\\.conf: ${section}\\.address: "999\\.1\\.1\\.1"`)]])),
    'it would not start either': [() => {}, ['-s', 'http:listen.port=eighty'], 1, /http\.conf: listen\.port/],
    'a module that nobody knows': [() => {}, ['--describe', 'ecotest'], 1, /no module "ecotest".*"echotest"/],
    'the reference says what a text has to look like': [() => {}, ['--describe', 'videoroom'], 0, /^- `audiocodec`: a list of opus, pcmu, pcma, g722, default `opus`/],
    'the built-in module has no conf file': [() => {}, ['--describe', 'room'], 0, /^# room /],
    'a folder named twice': [() => {}, ['--describe', 'ecotest', '-s', `stoa:modules.plugin_dirs=${plugins};${plugins}`], 1,
        /there are: (?!.*echotest, echotest).*echotest/],
    'an option that nobody knows': [() => {}, ['--chekc'], 1, /--chekc/],
    'an argument too many': [() => {}, ['start'], 1, /"start" is no option: see --help/],
    'the version': [() => {}, ['-v'], 0, /^stoa \d+\.\d+\.\d+$/m],
    'the help': [() => {}, ['--help'], 0, /--describe=MODULE/],
};

for (const [what, [act, args, code, line]] of Object.entries(table)) {
    test(`the operator's view: ${what}`, () => {
        const options = () => (typeof args === 'function' ? args() : args);
        rmSync(conf(), { recursive: true, force: true });
        cpSync(join(tree, 'conf'), conf(), { recursive: true });
        act();
        const folder = options().includes('-c') ? [] : ['-c', conf()];
        const ran = spawnSync(binary, [...folder, '-d', join(dir, 'data'), ...options()], { encoding: 'utf8', timeout: 20000 });
        assert.equal(ran.status, code, ran.stdout + ran.stderr);
        const told = ran.status ? ran.stderr : ran.stdout;
        const fitting = told.split('\n').filter((one) => line.test(one));
        assert.equal(fitting.length, 1, `${line}\n${told}`);
        assert.ok(!/much-too-open/.test(told), 'a secret was shown');
    });
}

test('a sign-in link where the port is any free one: what to do about it is said beside it', () => {
    const ran = spawnSync(binary, ['-c', join(tree, 'conf'), '-d', join(dir, 'any-port'), '--add-host', 'ana@x.example', '-s', 'http:listen.port=0'], { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout, /^http:\/\/localhost:PORT\/host\.html#s=[\w-]{43}\n$/);
    assert.match(ran.stderr, /listen\.port = 0.*in the place of PORT/);
});

test('the built-in module is attached with a token, which is the seat: it has no join', () => {
    const { stdout } = spawnSync(binary, ['-c', join(tree, 'conf'), '--describe', 'room'], { encoding: 'utf8' });
    assert.deepEqual([...stdout.matchAll(/^### (.*)$/gm)].map(([, name]) => name), ['hand', 'hands_down', 'people', 'keys', 'state', 'resume']);
});

for (const name of ['echotest', 'videoroom', 'http', 'websocket']) {
    test(`the reference of ${name} is printed`, () => {
        const ran = spawnSync(binary, ['-c', join(tree, 'conf'), '--describe', name], { encoding: 'utf8' });
        assert.equal(ran.status, 0, ran.stderr);
        assert.match(ran.stdout, new RegExp(`^# ${name} [\\s\\S]*## Conf: ${name}\\.conf`));
        assert.ok(!/undefined|\(null\)|value/.test(ran.stdout.match(/^- `\w+`: .*$/gm)?.join('\n').replace(/: [^`]*$/gm, '') ?? ''));
    });
}
