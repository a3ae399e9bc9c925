// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "ccurl.h"

static size_t read_message(char *buffer, size_t size, size_t count, void *pointer) {
    ccurl_listener *listener = pointer;
    if (listener->is_over(listener->context)) return CURL_READFUNC_ABORT;
    return listener->read(buffer, size * count, listener->context);
}

static int show(CURL *handle, curl_infotype kind, char *bytes, size_t count, void *pointer) {
    (void)handle;
    ccurl_listener *listener = pointer;
    listener->show(kind, bytes, count, listener->context);
    return 0;
}

/// Lines of replies come here too; taking none of the bytes gives up.
static size_t take_reply(char *bytes, size_t size, size_t count, void *pointer) {
    (void)bytes;
    ccurl_listener *listener = pointer;
    return listener->is_over(listener->context) ? 0 : size * count;
}

static int look_up(void *pointer, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now) {
    (void)total, (void)now, (void)upload_total, (void)upload_now;
    ccurl_listener *listener = pointer;
    return listener->is_over(listener->context);
}

CURLcode ccurl_listen(CURL *handle, ccurl_listener *listener) {
    CURLcode code = CURLE_OK;
    if (!code) code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_message);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_READDATA, (void *)listener);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_reply);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_HEADERDATA, (void *)listener);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_reply);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_WRITEDATA, (void *)listener);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_up);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_XFERINFODATA, (void *)listener);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, show);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_DEBUGDATA, (void *)listener);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
    return code;
}
