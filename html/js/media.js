/* SPDX-License-Identifier: MIT */
/* Camera and microphone: ask for what is there, and say in words what is not. */

export const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 } };

/** What a person can do about a camera or microphone that was not given. */
export function mediaProblem(error) {
    if (!navigator.mediaDevices)
        return 'The browser gives camera and microphone only to https pages and to localhost.';
    switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
        return 'Camera and microphone were refused. Allow them beside the address of this page, then try again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
        return 'No camera or microphone was found. Plug one in, then try again.';
    case 'NotReadableError':
    case 'AbortError':
        return 'Camera or microphone is used by another program. Close it, then try again.';
    default:
        return `Camera and microphone cannot be used: ${error?.message ?? error}`;
    }
}

/* Someone who refused one was asked about it: do not ask again for the other. */
const isFinal = (error) => !navigator.mediaDevices || error.name === 'NotAllowedError' || error.name === 'SecurityError';

/**
 * Camera and microphone, or the one of them that works, with the reason in `lacks`.
 * Throws when neither does; mediaProblem() has the words.
 */
export async function openMedia() {
    const wishes = [[{ audio: true, video: VIDEO }, ''], [{ audio: true }, 'no camera'], [{ video: VIDEO }, 'no microphone']];
    let first;
    for (const [wish, lacks] of wishes) {
        try {
            return { stream: await navigator.mediaDevices.getUserMedia(wish), lacks };
        } catch (error) {
            first ??= error;
            if (isFinal(error))
                break;
        }
    }
    throw first;
}

export function stopAll(stream) {
    for (const track of stream?.getTracks() ?? [])
        track.stop();
}
