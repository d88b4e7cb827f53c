/* SPDX-License-Identifier: Apache-2.0 */
/** What a process has at run time, and what a Redirect URL is to the flows. */
#ifndef SL_RUNTIME_H
#define SL_RUNTIME_H

#include "base/sl_keyring.h"
#include "base/sl_log.h"
#include "base/sl_shm.h"
#include "base/sl_spool.h"
#include "flow/sl_audit.h"
#include "net/sl_http.h"
#include "smart/sl_ehr.h"
#include "smart/sl_notice.h"
#include "store/sl_db.h"

/** One per process, made after fork. Everything in it is thread safe. */
typedef struct {
    const sl_keyring_t *ring;
    sl_db_t *db;
    sl_http_t *http;
    sl_shm_t *shm;
    sl_log_t log;
    apr_interval_time_t offline;    /* how long shared memory is believed without PostgreSQL */
    apr_interval_time_t idle;       /* the longest SmartSession idle there is; 0: not known */
    const apr_array_header_t *ehrs; /* of const sl_ehr_t *, all configured ones */
    sl_http_gate_t **gates;         /* one for each of `ehrs`: SmartOutbound max= */
    sl_http_gate_t *notify_gate;    /* sign-on messages under way; NULL: no bound */
    const char *self;               /* host and process: lease_by */
    sl_spool_t *spool;              /* SmartStateDir; NULL: no gateway, no journal */
    sl_audit_t *audit;              /* NULL: SmartAudit off, or no gateway */
    void *totals;                   /* of all children: sl_pulse_size() bytes; NULL: not kept */
} sl_runtime_t;

/** SmartLink. */
typedef enum {
    SL_POLICY_APP,
    SL_POLICY_SITE, /* another httpd module logs the user in, on <redirect>/link */
    SL_POLICY_SAME_NAME,
    SL_POLICY_NONE
} sl_link_policy_t;

/** SmartNotify: whom to tell of a finished launch, by a signed POST (design section 6). */
typedef struct {
    const char *url;
    const sl_secret_t *secret; /* of the JWT, HS256; NULL: no JWT */
    const sl_secret_t *token;  /* verification-token; NULL: none sent, nothing to verify */
    const char *ca_file;       /* NULL: the system's CAs */
    const char *source_id, *source_name;           /* NULL: not given */
    const char *destination_id, *destination_name; /* NULL: not given */
    const apr_array_header_t *allow; /* of const char *: origins that Location may have, the URL's
                                        own and SmartPublicURL among them */
    bool html;                       /* an answer of 200 with HTML is shown, sandboxed */
} sl_destination_t;

/** A Redirect URL with the app behind it. */
typedef struct {
    const char *app;
    const char *path;         /* "/smart" */
    const char *redirect_uri; /* SmartPublicURL + path, exactly as registered */
    const char *public_url;
    const char *target;             /* SmartTarget */
    const apr_array_header_t *ehrs; /* of const sl_ehr_t *: those it serves */
    sl_link_policy_t policy;
    bool confirm; /* a link with whom the app says waits for a yes (SmartLink … confirm=) */
    const sl_destination_t *notify; /* NULL: nobody is told */
    const char *gateway_url;        /* SmartGatewayURL, without a slash at its end; NULL: none */
    apr_interval_time_t idle, max; /* SmartSession */
} sl_site_t;

/** Log what a pure rule found worth a line (sl_notice_t) about an EHR. */
void sl_runtime_tell(const sl_runtime_t *rt, sl_log_level_t level, const sl_ehr_t *ehr,
                     const apr_array_header_t *notices);

/** The bound on requests in flight to this EHR, or NULL. */
sl_http_gate_t *sl_runtime_gate(const sl_runtime_t *rt, const sl_ehr_t *ehr);

/** The EHR of this name among `ehrs`, or NULL. */
const sl_ehr_t *sl_runtime_ehr(const apr_array_header_t *ehrs, const char *name);

#endif
