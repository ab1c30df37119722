/* SPDX-License-Identifier: MIT */
/* What a class that goes on hears of others who come: how long after each other its packets arrive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { enter, publish, subscribe } from './peers.mjs';

/** A class in a room: one voice, a packet each 20 ms, and so many who listen. Their `peers` are a process of its own, which nobody else keeps busy. */
class Class {
    static async begin(gateway, peers, listeners) {
        const one = new Class(), teacher = await enter(gateway), voice = await publish(teacher, peers, 1234);
        const seats = await Promise.all(Array.from({ length: listeners }, () => subscribe(teacher, peers, 1234, voice.feed)));
        voice.peer.send();
        Object.assign(one, { teacher, voice, seats });
        return one;
    }

    /** The ms that so many of the packets came at most after the one before, at every listener, since this was last asked: {p99, most, n}. */
    async gaps() {
        const lists = await Promise.all(this.seats.map(({ peer }) => peer.gaps()));
        const sum = lists[0].map((_, ms) => lists.reduce((n, list) => n + list[ms], 0));
        const n = sum.reduce((a, b) => a + b, 0);
        let below = 0;
        const p99 = sum.findIndex((count) => (below += count) >= 0.99 * n);
        return { p99, most: sum.findLastIndex((count) => count > 0), n };
    }

    /** How many packets went missing on the way to the listeners. */
    async lost() {
        const counts = await Promise.all(this.seats.map(({ peer }) => peer.count()));
        return counts.flatMap(({ streams }) => Object.values(streams)).reduce((sum, { n, first, last }) => sum + last - first + 1 - n, 0);
    }

    end() {
        [this.voice, ...this.seats].forEach(({ peer }) => peer.close());
        this.teacher.leave();
    }
}

/**
 * Do something to a gateway while a class of ten goes on there, and one just like it on a gateway that nothing is done to: what that one
 * hears is the machine's doing, and whatever else runs on it. → {heard, quiet, lost, result}: `heard.p99` is to be compared with `quiet.p99`.
 * @act  () → result, a promise
 */
export async function whileClassRuns(gateway, control, peers, act) {
    const [busy, calm] = await Promise.all([gateway, control].map((one) => Class.begin(one, peers, 10)));
    await sleep(300);
    await Promise.all([busy.gaps(), calm.gaps()]);
    const result = await act();
    const [heard, quiet] = await Promise.all([busy.gaps(), calm.gaps()]);
    const lost = await busy.lost();
    busy.end();
    calm.end();
    return { heard, quiet, lost, result };
}

/** Within this, running media does not hear of others: what a class of the same size hears where nobody comes, and 20 ms. */
export const calmEnough = ({ heard, quiet }) => heard.p99 < quiet.p99 + 20;
