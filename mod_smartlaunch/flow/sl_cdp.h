/* SPDX-License-Identifier: Apache-2.0 */
/** The Clinical Data Pull: what the flows around it share. The core knows nothing of it. */
#ifndef SL_CDP_H
#define SL_CDP_H

#include "cdp/sl_cdp_mapping.h"
#include "flow/sl_runtime.h"

/** SmartCDPDeliver. */
typedef enum { SL_CDP_TO_REDCAP, SL_CDP_TO_HTTP } sl_cdp_protocol_t;
typedef struct {
    sl_cdp_protocol_t protocol;
    const char *url;
    const sl_secret_t *secret; /* REDCap: the API token; http: the key of Smart-Signature */
    const char *ca_file;       /* NULL: the system's CAs */
    bool insecure_loopback;    /* http:// to loopback */
} sl_cdp_delivery_t;

/** <SmartCDPProject>. */
typedef struct {
    const char *name;
    const char *app; /* SmartApp whose users' names its rights name */
    const sl_ehr_t *ehr;
    const char *mrn_system; /* NULL: identifiers of type MR */
    sl_cdp_delivery_t delivery;
    apr_interval_time_t every;    /* SmartCDPRefetch; 0: off */
    apr_interval_time_t inactive; /* 0 only with every 0 */
    bool instant;                 /* SmartCDPAdjudication: the site's switch (H7) */
    const char *access_url;       /* SmartCDPAccess; NULL: none */
    apr_interval_time_t keep;     /* SmartCDPKeep; 0: for ever */
} sl_cdp_project_t;

/** One per process. */
typedef struct {
    const sl_runtime_t *rt;
    const apr_array_header_t *projects; /* of const sl_cdp_project_t * */
    bool may_email;
} sl_cdp_t;

#define SL_CDP_SYSTEM "SYSTEM" /* the user's name where nobody is: cron, instant adjudication */

/** Who asks, as the log and the view log have it. */
typedef struct {
    const char *user;   /* app user; SL_CDP_SYSTEM */
    const char *launch; /* id of the launch or session; NULL: httpd's own authentication, or none */
    const char *session;   /* whose token is wanted: the launch's session id; NULL: by user */
    const char *patient;   /* of the launch; NULL: none */
    const char *reference; /* of the request */
} sl_cdp_actor_t;

/** NULL: no such project. */
const sl_cdp_project_t *sl_cdp_project(const sl_cdp_t *cdp, const char *name);

/** Can `text` be the name of a record: printable, no slash, 1 to 100 bytes, UTF-8? */
bool sl_cdp_is_record(const char *text);

#endif
