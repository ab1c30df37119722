/* SPDX-License-Identifier: MIT */
/* The rooms API over HTTP. */
import { save } from './page.js';
import { written } from './stoa.js';

const BASE = '/api/v1';
const OFFLINE = 'The server cannot be reached. Check your connection, then try again.';

/** What the server refused: HTTP status (0: it was not reached), code and a sentence. */
export class ApiError extends Error {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

const errorOf = (status, { error } = {}) =>
    new ApiError(status, error?.code ?? '', error?.message ? sentence(error.message) : `The server answered ${status}.`);

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

async function ask(method, path, { token, body } = {}) {
    const headers = {};
    if (token)
        headers.Authorization = `Bearer ${token}`;
    if (body !== undefined)
        headers['Content-Type'] = 'application/json';
    let answer;
    try {
        answer = await fetch(BASE + path, { method, headers, body: body && written(body), cache: 'no-store' });
    } catch {
        throw new ApiError(0, 'offline', OFFLINE);
    }
    if (!answer.ok)
        throw errorOf(answer.status, await answer.json().catch(() => ({})));
    return answer;
}

/** One call; resolves with the answer's JSON, null when it has none. */
export async function api(method, path, options) {
    const answer = await ask(method, path, options);
    return answer.status === 204 ? null : answer.json().catch(() => null);
}

/** Fetch with the token and keep as a file. */
export async function saveFrom(path, token, name) {
    const url = URL.createObjectURL(await (await ask('GET', path, { token })).blob());
    save(url, name);
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Send a file; `onprogress` gets a share from 0 to 1. Resolves with the answer's JSON. */
export function upload(path, file, { token, onprogress, signal }) {
    const request = new XMLHttpRequest();
    request.open('POST', BASE + path);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('X-Filename', encodeURIComponent(file.name));
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onprogress(total ? loaded / total : 0);
    signal?.addEventListener('abort', () => request.abort());
    return new Promise((resolve, reject) => {
        request.onload = () => (request.status < 300 ? resolve(request.response) : reject(errorOf(request.status, request.response ?? {})));
        request.onerror = () => reject(new ApiError(0, 'offline', `“${file.name}” did not get through. The connection was lost, or the file is too large.`));
        request.onabort = () => reject(new ApiError(0, 'aborted', `“${file.name}” was not sent.`));
        request.send(file);
    });
}
