/* SPDX-License-Identifier: MIT */
/* One mail to an SMTP server, by libcurl. */
#include "config.h"

#include "mail/send.h"

#include "mail/message.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

/* How far a mail came: the command that the server answered last. */
typedef enum { AT_GREETING, AT_SENDER, AT_RECIPIENT, AT_DATA } Step;

static const char *const step_names[] = {
    [AT_GREETING] = "before any mail",
    [AT_SENDER] = "at MAIL FROM",
    [AT_RECIPIENT] = "at RCPT TO",
    [AT_DATA] = "at DATA",
};

struct StoaSender {
    CURL *curl;
    Step step;
    bool
        policy; /* an answer was about who may send: an enhanced status code x.7.x (RFC 3463, 3.8) */
    char *from;
    const _Atomic(bool) *stop;
    char error[CURL_ERROR_SIZE];
};

/* What is left to upload. */
typedef struct {
    const char *at;
    size_t len;
} Upload;

static size_t give(char *buf, size_t size, size_t n, void *data)
{
    Upload *upload = data;
    size_t len = MIN(size * n, upload->len);

    memcpy(buf, upload->at, len);
    upload->at += len;
    upload->len -= len;
    return len;
}

/* "554 5.7.1 Relay access denied" */
static bool is_about_policy(const char *line, size_t len)
{
    return len > 8 && line[0] == '5' && memcmp(line + 4, "5.7.", 4) == 0;
}

/* libcurl does not say which command failed. What goes by here may be a password: only how it begins is looked at. */
static int watch(CURL *curl G_GNUC_UNUSED, curl_infotype type, char *line, size_t len, void *data)
{
    StoaSender *sender = data;

    if (type == CURLINFO_HEADER_IN)
        sender->policy |= is_about_policy(line, len);
    if (type != CURLINFO_HEADER_OUT || len < 4)
        return 0;
    if (memcmp(line, "MAIL", 4) == 0)
        sender->step = AT_SENDER;
    else if (memcmp(line, "RCPT", 4) == 0)
        sender->step = AT_RECIPIENT;
    else if (memcmp(line, "DATA", 4) == 0)
        sender->step = AT_DATA;
    return 0;
}

static int is_over(void *data, curl_off_t a G_GNUC_UNUSED, curl_off_t b G_GNUC_UNUSED,
                   curl_off_t c G_GNUC_UNUSED, curl_off_t d G_GNUC_UNUSED)
{
    const StoaSender *sender = data;

    return atomic_load(sender->stop);
}

bool stoa_sender_is_local(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    return host && (g_str_equal(host, "localhost") || g_str_equal(host, "::1") ||
                    g_str_has_prefix(host, "127."));
}

/* Where a password goes, or the operator says so, nothing is sent to whom the certificate does not prove. Elsewhere encryption
 * is taken where it is offered: whoever could answer with a false certificate could as well hide the offer. (RFC 7435) */
static void set_tls(CURL *curl, const StoaMailConf *conf)
{
    bool required = g_str_equal(conf->tls, "required");
    bool local = stoa_sender_is_local(conf->url);
    bool implicit = g_str_has_prefix(conf->url, "smtps:");

    if (g_str_equal(conf->tls, "auto") && !local)
        required = conf->user || implicit;
    if (g_str_equal(conf->tls, "off"))
        curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);
    else
        curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(required ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (conf->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, conf->ca_file);
    if (!required && !conf->ca_file) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

StoaSender *stoa_sender_new(const StoaMailConf *conf, const _Atomic(bool) *stop)
{
    StoaSender *sender = g_new0(StoaSender, 1);
    g_autofree char *address = stoa_mail_address(conf->from);

    sender->from = g_strdup_printf("<%s>", address ? address : "");
    sender->stop = stop;
    sender->curl = curl_easy_init();
    if (!sender->curl)
        return sender;
    curl_easy_setopt(sender->curl, CURLOPT_URL, conf->url);
    curl_easy_setopt(sender->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(sender->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(sender->curl, CURLOPT_TIMEOUT, (long)conf->timeout_s);
    curl_easy_setopt(sender->curl, CURLOPT_CONNECTTIMEOUT, (long)conf->timeout_s);
    curl_easy_setopt(sender->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)conf->timeout_s);
    curl_easy_setopt(sender->curl, CURLOPT_ERRORBUFFER, sender->error);
    curl_easy_setopt(sender->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(sender->curl, CURLOPT_XFERINFOFUNCTION, is_over);
    curl_easy_setopt(sender->curl, CURLOPT_XFERINFODATA, sender);
    curl_easy_setopt(sender->curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(sender->curl, CURLOPT_DEBUGFUNCTION, watch);
    curl_easy_setopt(sender->curl, CURLOPT_DEBUGDATA, sender);
    curl_easy_setopt(sender->curl, CURLOPT_MAIL_FROM, sender->from);
    curl_easy_setopt(sender->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(sender->curl, CURLOPT_READFUNCTION, give);
    if (conf->user)
        curl_easy_setopt(sender->curl, CURLOPT_USERNAME, conf->user);
    if (conf->password)
        curl_easy_setopt(sender->curl, CURLOPT_PASSWORD, conf->password);
    set_tls(sender->curl, conf);
    return sender;
}

/* To say QUIT to a server that has not answered yet, libcurl would wait for that answer: it finds the line dead instead. */
static void hang_up(CURL *curl)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        shutdown(fd, SHUT_RDWR);
}

void stoa_sender_free(StoaSender *sender)
{
    if (!sender)
        return;
    if (sender->curl && atomic_load(sender->stop))
        hang_up(sender->curl);
    if (sender->curl)
        curl_easy_cleanup(sender->curl);
    g_free(sender->from);
    g_free(sender);
}

enum { TOO_LARGE = 552, WANTS_LOGIN = 530 };

/* What concerns us and not the mail is the operator's to mend: the mails wait for it. */
static StoaSendResult judge(const StoaSender *sender, long response)
{
    bool refused = response >= 500 && response < 600;

    if (sender->step == AT_GREETING ||
        (sender->step == AT_SENDER && refused && response != TOO_LARGE))
        return STOA_SEND_DOWN;
    if (sender->step == AT_RECIPIENT && (response == WANTS_LOGIN || sender->policy))
        return STOA_SEND_LATER;
    return refused ? STOA_SEND_NEVER : STOA_SEND_LATER;
}

StoaSendResult stoa_sender_send(StoaSender *sender, const char *recipient, GBytes *message,
                                char **why)
{
    Upload upload = { .at = g_bytes_get_data(message, NULL), .len = g_bytes_get_size(message) };
    g_autofree char *to = g_strdup_printf("<%s>", recipient);

    if (!sender->curl) {
        *why = g_strdup("out of memory");
        return STOA_SEND_DOWN;
    }
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    curl_easy_setopt(sender->curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(sender->curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(sender->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload.len);
    sender->error[0] = '\0';
    sender->step = AT_GREETING;
    sender->policy = false;
    CURLcode code = curl_easy_perform(sender->curl);
    StoaSendResult result = STOA_SEND_OK;
    if (code != CURLE_OK) {
        long response = 0;
        curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &response);
        result = judge(sender, response);
        *why = g_strdup_printf("%s %s (SMTP %ld)", curl_easy_strerror(code),
                               step_names[sender->step], response);
    }
    curl_easy_setopt(sender->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    return result;
}
