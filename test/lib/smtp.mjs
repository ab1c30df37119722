/* SPDX-License-Identifier: MIT */
/* A mail server of the test's own on loopback, and what it received. */
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/**
 * Start it. options: those of smtp-server, and
 *   port     0: any
 *   refuse   address => true: 550 for that recipient
 *   refuseData  () => an error with its responseCode for what was sent, or null
 *   delay    milliseconds before the end of the data is acknowledged
 *   given()  called before that delay
 */
export async function startSmtp({ port = 0, refuse = () => false, refuseData = () => null, delay = 0, given = () => {}, ...options } = {}) {
    const mails = [], waiting = [];
    const server = new SMTPServer({
        authOptional: true,
        disabledCommands: options.key ? [] : ['STARTTLS'],
        logger: false,
        onRcptTo({ address }, session, done) {
            done(refuse(address) ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null);
        },
        async onData(stream, session, done) {
            const chunks = [];
            for await (const chunk of stream)
                chunks.push(chunk);
            const raw = Buffer.concat(chunks);
            const refusal = refuseData();
            if (refusal)
                return done(refusal);
            const mail = await simpleParser(raw);
            mail.raw = raw.toString();
            mail.secure = session.secure;
            mail.user = session.user;
            mail.recipients = session.envelope.rcptTo.map(({ address }) => address);
            given();
            setTimeout(() => {
                mails.push(mail);
                for (const one of [...waiting])
                    one();
                done();
            }, delay).unref(); // a test that does not wait for it does not end later
        },
        ...options,
    });
    server.on('error', () => {});
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    server.server.unref(); // a test that fails does not stop it
    return {
        mails,
        port: server.server.address().port,
        /** Wait for a mail that fits; it is taken out. */
        mail: (fits, ms = 15000) => new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error('no such mail')), ms);
            const look = () => {
                const index = mails.findIndex(fits);
                if (index < 0)
                    return;
                clearTimeout(timer);
                waiting.splice(waiting.indexOf(look), 1);
                resolve(mails.splice(index, 1)[0]);
            };
            waiting.push(look);
            look();
        }),
        stop: () => new Promise((resolve) => server.close(resolve)),
    };
}
