/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_frame.h"

#include "base/sl_digest.h"
#include "base/sl_keyring.h"
#include "base/sl_text.h"

#include <apr_strings.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:1rem;background:#f3f5f7;color:#1c2733;"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    "main{max-width:64rem;margin:0 auto;padding:1.25rem;background:#fff;border-radius:.5rem;"
    "border:1px solid #d5dce3;border-top:.25rem solid #2563a8;overflow-wrap:anywhere}"
    "nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;max-width:64rem;margin:0 auto .5rem}"
    ".home{margin-left:auto}"
    ".skip{position:absolute;left:-99rem}"
    ".skip:focus{left:1rem;top:.5rem;padding:.5rem 1rem;background:#fff;z-index:1}"
    "a{color:#164a80}"
    "h1{margin:0 0 .25rem;font-size:1.4rem;line-height:1.3}"
    "h2{margin:1.75rem 0 .5rem;font-size:1.15rem}"
    "h3{margin:1.25rem 0 .25rem;font-size:1rem}"
    "p{margin:0 0 .75rem}h1+[role]{margin-top:.75rem}"
    "small,.quiet{color:#526070}"
    "small{display:block;font-size:.875rem}"
    ".said{padding:.75rem 1rem;border-left:.3rem solid #2e7d4f;background:#edf7f1}"
    ".trouble{padding:.75rem 1rem;border-left:.3rem solid #a32020;background:#fdf0f0}"
    ".note{padding:.75rem 1rem;border-left:.3rem solid #b7791f;background:#fdf6e7}"
    ".bad{color:#a32020}"
    "table{width:100%;border-collapse:collapse;margin:0 0 1rem}"
    "th,td{padding:.5rem .75rem .5rem 0;text-align:left;vertical-align:top;"
    "border-top:1px solid #e3e8ed}"
    "thead th{border-top:0;color:#526070;font-weight:600}"
    "fieldset{margin:0 0 1rem;padding:.75rem 1rem;border:1px solid #d5dce3;border-radius:.4rem;"
    "min-width:0}"
    "legend{padding:0 .4rem;font-weight:600}"
    "label{display:block}"
    "label.line{display:flex;gap:.6rem;align-items:flex-start;padding:.35rem 0}"
    "label.line span{flex:1 1 auto;min-width:0}"
    "input[type=radio],input[type=checkbox]{flex:none;width:1.15rem;height:1.15rem;"
    "margin:.2rem 0 0;accent-color:#2563a8}"
    "input[type=text],input[type=search],input[type=number],input[type=file],select,textarea{"
    "width:100%;padding:.55rem .6rem;font:inherit;color:inherit;background:#fff;"
    "border:1px solid #6b7a89;border-radius:.4rem}"
    "textarea{min-height:8rem;font-family:ui-monospace,Consolas,monospace;font-size:.875rem;"
    "white-space:pre}"
    ".fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;"
    "margin:0 0 1rem;align-items:end}"
    ".top{align-items:start}"
    "th small{font-weight:400}"
    ".row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;margin:0 0 1rem}"
    ".value{font-weight:600;white-space:pre-wrap}"
    "button,a.button{display:inline-block;padding:.6rem 1.1rem;font:inherit;border-radius:.4rem;"
    "border:1px solid #2563a8;background:#fff;color:#164a80;cursor:pointer;text-decoration:none;"
    "text-align:center}"
    "button.main,a.main{background:#2563a8;color:#fff}"
    "button.risk{border-color:#a32020;color:#a32020}"
    "button:focus-visible,a:focus-visible,input:focus-visible,select:focus-visible,"
    "textarea:focus-visible,summary:focus-visible{outline:3px solid #b7791f;outline-offset:2px}"
    "summary{cursor:pointer;padding:.35rem 0;color:#164a80}"
    ".badge{display:inline-block;padding:.05rem .6rem;border-radius:1rem;background:#2563a8;"
    "color:#fff;font-size:.875rem}"
    ".offer{display:flex;flex-wrap:wrap;gap:0 1rem;justify-content:space-between;"
    "border-top:1px solid #e3e8ed}"
    ".line{flex:1 1 9rem;min-width:0;padding:.35rem 0}"
    "label.aside{flex:0 0 auto;color:#526070}"
    ".bar{padding-top:1rem;border-top:1px solid #d5dce3}.bar small{flex:1 1 100%}"
    ".note ul{margin:0;padding-left:1.25rem}.note p,.row p{margin:0}"
    ".chart{margin:.25rem 0 .5rem}.axis{stroke:#6b7a89}"
    ".curve{fill:none;stroke:#2563a8;stroke-width:1.5}"
    ".dot{fill:#fff;stroke:#2563a8;stroke-width:1.5}.ticked{fill:#2563a8}"
    "svg text{font-size:11px;fill:#526070}"
    "svg{display:block;max-width:100%;height:auto}"
    "footer{max-width:64rem;margin:.75rem auto 0;color:#526070;font-size:.875rem}"
    "code{font-family:ui-monospace,Consolas,monospace;font-size:1em;user-select:all}"
    /* narrow: a row of a table is a card, its headings stand beside what they head */
    "@media(max-width:40rem){body{padding:.5rem}main{padding:1rem}"
    "table,tbody,tr,td,tbody th{display:block}thead{position:absolute;left:-99rem}"
    "tr{padding:.5rem 0;border-top:1px solid #d5dce3}"
    "td,tbody th{padding:.15rem 0;border:0}"
    "td:empty{display:none}"
    "td[data-head]::before{content:attr(data-head) ': ';color:#526070}"
    "button,a.button{width:100%}}";

static const char *style_digest(apr_pool_t *p)
{
    unsigned char digest[SL_SHA256_LEN];

    sl_digest_sha256(style, sizeof(style) - 1, digest);
    return sl_text_base64(p, digest, sizeof(digest));
}

static const char *policy(request_rec *r, const sl_cdp_visit_t *visit)
{
    return apr_pstrcat(r->pool, "default-src 'none'; style-src 'sha256-", style_digest(r->pool),
                       "'; form-action 'self'; base-uri 'none'; frame-ancestors ",
                       visit->core->ancestors(r, visit->who.ehr), NULL);
}

/** The way back: an embedded window has no button for it. */
static void put_back(sl_cdp_html_t *page, request_rec *r, const sl_cdp_visit_t *visit,
                     const sl_cdp_frame_t *frame)
{
    const char *home = visit->core->home(r);

    if (frame->up_href == NULL && home == NULL) {
        return;
    }
    sl_cdp_html_put(page, "<nav aria-label=\"Back\">");
    if (frame->up_href != NULL) {
        sl_cdp_html_put(page, "<a href=\"%s\">&larr; %s</a>", frame->up_href, frame->up_text);
    }
    if (home != NULL) {
        sl_cdp_html_put(page, "<a class=\"home\" href=\"%s%s%s\">To the study</a>", home,
                        visit->handle == NULL       ? NULL
                        : strchr(home, '?') != NULL ? "&smart_launch="
                                                    : "?smart_launch=",
                        visit->handle);
    }
    sl_cdp_html_put(page, "</nav>");
}

static void put_head(sl_cdp_html_t *page, request_rec *r, const sl_cdp_visit_t *visit,
                     const sl_cdp_frame_t *frame)
{
    sl_cdp_html_put(page,
                    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                    "<title>%s</title><style>",
                    frame->title);
    APR_ARRAY_PUSH(page->pieces, const char *) = style;
    sl_cdp_html_put(page, "</style></head><body><a class=\"skip\" href=\"#main\">To the content"
                          "</a>");
    put_back(page, r, visit, frame);
    sl_cdp_html_put(page, "<main id=\"main\" tabindex=\"-1\"><h1>%s</h1>", frame->title);
    if (frame->lead != NULL) {
        sl_cdp_html_put(page, "<p class=\"quiet\">%s</p>", frame->lead);
    }
    if (frame->said != NULL) {
        sl_cdp_html_put(page, "<p class=\"%s\" role=\"%s\">%s</p>",
                        frame->is_trouble ? "trouble" : "said",
                        frame->is_trouble ? "alert" : "status", frame->said);
    }
}

int sl_cdp_frame_send(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_frame_t *frame,
                      const sl_cdp_html_t *html)
{
    sl_cdp_html_t *page = sl_cdp_html_new(r->pool);

    put_head(page, r, visit, frame);
    sl_cdp_html_add(page, html);
    sl_cdp_html_put(page,
                    "</main><footer>You are %s. Reference: <code>%s</code></footer></body></html>"
                    "\n",
                    visit->actor.user, visit->actor.reference);
    apr_table_setn(r->err_headers_out, "Content-Security-Policy", policy(r, visit));
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    return visit->core->body(r, frame->status != 0 ? frame->status : HTTP_OK,
                             "text/html; charset=utf-8", sl_cdp_html_text(page));
}

/** Whose form: of this launch or session, else of this user. */
static const char *const *token_parts(const sl_cdp_visit_t *visit, const char *subject,
                                      apr_pool_t *p)
{
    const char **parts = apr_pcalloc(p, sizeof(*parts) * 7);

    parts[0] = "cdp-form";
    parts[1] = visit->app;
    parts[2] = visit->actor.launch != NULL ? visit->actor.launch : "";
    parts[3] = visit->actor.user;
    parts[4] = visit->project != NULL ? visit->project->name : "";
    parts[5] = subject;
    return parts;
}

const char *sl_cdp_frame_token(const sl_cdp_visit_t *visit, const char *subject, apr_pool_t *p)
{
    return sl_keyring_mac(visit->cdp->rt->ring, token_parts(visit, subject, p), p);
}

bool sl_cdp_frame_is_token(const sl_cdp_visit_t *visit, const char *subject, const char *token,
                           apr_pool_t *p)
{
    return token != NULL &&
           sl_keyring_is_mac(visit->cdp->rt->ring, token_parts(visit, subject, p), token, p);
}

void sl_cdp_frame_form(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *href,
                       const char *subject)
{
    sl_cdp_html_put(html,
                    "<form method=\"post\" action=\"%s\">"
                    "<input type=\"hidden\" name=\"token\" value=\"%s\">",
                    href, sl_cdp_frame_token(visit, subject, html->p));
}

int sl_cdp_frame_forged(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_core_refusal_t refusal = {
        .status = HTTP_FORBIDDEN,
        .error = "forbidden",
        .title = "This form is not one of ours, or too old",
        .text = "Nothing was changed. Please open the page again, and try once more.",
        .log_id = "SL8570",
        .detail = "a form without the token of its page",
    };

    return visit->core->refuse(r, &refusal);
}
