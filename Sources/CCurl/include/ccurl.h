// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// libcurl, and what Swift cannot call of it: functions that take any number of arguments of any type. Each shim here is one
/// of them with the types that libcurl documents for the option. Nothing here keeps state or owns memory; a handle is used
/// by one thread at a time.

#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>

/// What libcurl asks of us while a mail is delivered. `context` comes back with every call.
typedef struct ccurl_listener {
    /// Copies the next bytes of the message to `buffer`; returns how many, 0 at the end.
    size_t (*read)(char *buffer, size_t capacity, void *context);
    /// A piece of the dialogue, as curl_infotype says. May come with bytes that are secret.
    void (*show)(curl_infotype kind, const char *bytes, size_t count, void *context);
    /// Returns nonzero to give up. Called about once a second, and with every line of a reply.
    int (*is_over)(void *context);
    void *context;
} ccurl_listener;

/// Each returns what curl_easy_setopt does; libcurl copies strings, and borrows lists.
CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value);
CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value);
CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *list);
/// Has libcurl write what went wrong to `buffer` of CURL_ERROR_SIZE bytes, which is borrowed.
CURLcode ccurl_set_error_buffer(CURL *handle, char *buffer);
/// Has libcurl call the listener, which is borrowed until the handle is done.
CURLcode ccurl_listen(CURL *handle, ccurl_listener *listener);
/// A number that libcurl keeps about the last transfer; 0 if it knows none.
long ccurl_number(CURL *handle, CURLINFO which);

#endif
