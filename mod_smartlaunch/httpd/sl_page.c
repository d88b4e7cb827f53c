/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_page.h"
#include "base/sl_digest.h"
#include "base/sl_text.h"
#include "httpd/sl_respond.h"
#include "smart/sl_framing.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:1.5rem 1rem;background:#f3f5f7;color:#1c2733;"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:1.5rem;background:#fff;border-radius:.5rem;"
    "border:1px solid #d5dce3;border-top:.25rem solid #2563a8;overflow-wrap:anywhere}"
    "h1{margin:0 0 1rem;font-size:1.3rem;line-height:1.3}"
    "p{margin:0 0 1rem}"
    "ul{list-style:none;margin:0 0 1rem;padding:0}"
    "li a{display:block;margin:0 0 .5rem;padding:.75rem 1rem;border:1px solid #b9c6d2;"
    "border-radius:.4rem;color:#164a80;text-decoration:none}"
    "li a:hover,li a:focus{background:#eef4fa;border-color:#2563a8}"
    "small{display:block;color:#526070}"
    "form{display:flex;flex-wrap:wrap;gap:.75rem;margin:0 0 1rem}"
    "button{flex:1 1 9rem;padding:.7rem 1rem;font:inherit;border-radius:.4rem;"
    "border:1px solid #2563a8;background:#fff;color:#164a80;cursor:pointer}"
    "button[value=yes]{background:#2563a8;color:#fff}"
    "a.window{display:block;padding:.7rem 1rem;border-radius:.4rem;border:1px solid #2563a8;"
    "background:#2563a8;color:#fff;text-align:center;text-decoration:none}"
    /* for two seconds after a click the link is covered: a double click opens one window */
    ".once{position:relative}"
    ".once i{position:absolute;top:0;right:0;bottom:0;left:0;transform:scale(0);"
    "transition:transform 0s 2s}"
    "a.window:active+i{transform:none;transition:none;pointer-events:none}"
    "button:focus,a:focus{outline:3px solid #f0b429;outline-offset:2px}"
    "h2{margin:1.25rem 0 .25rem;font-size:1.05rem}"
    "dl{margin:0 0 1rem}"
    "dl div{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.2rem 0;border-top:1px solid #e3e8ed}"
    "dt{flex:1 1 9rem;color:#526070}"
    "dd{flex:2 1 11rem;margin:0}"
    "dd strong{color:#a32020}"
    "footer{margin-top:1.5rem;padding-top:.75rem;border-top:1px solid #e3e8ed;"
    "color:#526070;font-size:.875rem}"
    "code{font-family:ui-monospace,Consolas,monospace;font-size:1em;user-select:all}";

static const char *links_html(apr_pool_t *p, const apr_array_header_t *links)
{
    const char *html = "<ul>";

    for (int i = 0; i < links->nelts; i++) {
        const sl_page_link_t *link = &APR_ARRAY_IDX(links, i, sl_page_link_t);

        html = apr_pstrcat(p, html, "<li><a href=\"", sl_text_html(p, link->href), "\">",
                           sl_text_html(p, link->text), link->note != NULL ? "<small>" : "",
                           sl_text_html(p, link->note), link->note != NULL ? "</small>" : "",
                           "</a></li>", NULL);
    }
    return apr_pstrcat(p, html, "</ul>", NULL);
}

/** No rel=noreferrer: the window is to know, and to prove, where it comes from. */
static const char *window_html(apr_pool_t *p, const sl_page_link_t *link)
{
    return apr_pstrcat(
        p, "<p class=\"once\"><a class=\"window\" target=\"_blank\" rel=\"noopener\" href=\"",
        sl_text_html(p, link->href), "\">", sl_text_html(p, link->text), "</a><i></i></p>", NULL);
}

static const char *hidden_html(apr_pool_t *p, const char *name, const char *value)
{
    return value == NULL ? ""
                         : apr_pstrcat(p, "<input type=\"hidden\" name=\"", sl_text_html(p, name),
                                       "\" value=\"", sl_text_html(p, value), "\">", NULL);
}

static const char *form_html(apr_pool_t *p, const sl_page_form_t *form)
{
    const char *hidden = hidden_html(p, "token", form->token);
    const char *no = "";

    for (const sl_page_field_t *field = form->fields; field != NULL && field->name != NULL;
         field++) {
        hidden = apr_pstrcat(p, hidden, hidden_html(p, field->name, field->value), NULL);
    }
    if (form->no != NULL) {
        no = apr_pstrcat(p, "<button name=\"answer\" value=\"no\">", sl_text_html(p, form->no),
                         "</button>", NULL);
    }
    return apr_pstrcat(p, "<form method=\"post\" action=\"", sl_text_html(p, form->action), "\">",
                       hidden, "<button name=\"answer\" value=\"yes\">", sl_text_html(p, form->yes),
                       "</button>", no, "</form>", NULL);
}

static void fact_html(apr_array_header_t *to, const sl_page_fact_t *fact)
{
    const char *value = sl_text_html(to->pool, fact->value);
    const char *const heading[] = {"</dl><h2>", value, "</h2><dl>"};
    const char *const line[] = {"<div><dt>", sl_text_html(to->pool, fact->name),
                                fact->is_bad ? "</dt><dd><strong>" : "</dt><dd>", value,
                                fact->is_bad ? "</strong></dd></div>" : "</dd></div>"};
    const char *const *parts = fact->name != NULL ? line : heading;
    size_t count =
        fact->name != NULL ? sizeof(line) / sizeof(line[0]) : sizeof(heading) / sizeof(heading[0]);

    for (size_t i = 0; i < count; i++) {
        APR_ARRAY_PUSH(to, const char *) = parts[i];
    }
}

static const char *facts_html(apr_pool_t *p, const apr_array_header_t *facts)
{
    apr_array_header_t *to = apr_array_make(p, facts->nelts * 5 + 2, sizeof(const char *));

    APR_ARRAY_PUSH(to, const char *) = "<dl>";
    for (int i = 0; i < facts->nelts; i++) {
        fact_html(to, &APR_ARRAY_IDX(facts, i, sl_page_fact_t));
    }
    APR_ARRAY_PUSH(to, const char *) = "</dl>";
    return apr_array_pstrcat(p, to, '\0');
}

static const char *paragraph(apr_pool_t *p, const char *text)
{
    return text != NULL ? apr_pstrcat(p, "<p>", sl_text_html(p, text), "</p>", NULL) : "";
}

static const char *html(request_rec *r, const sl_page_t *page)
{
    apr_pool_t *p = r->pool;
    const char *text = "";

    for (size_t i = 0; i < sizeof(page->text) / sizeof(page->text[0]) && page->text[i] != NULL;
         i++) {
        text = apr_pstrcat(p, text, paragraph(p, page->text[i]), NULL);
    }
    return apr_pstrcat(p, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">",
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
                       "<title>", sl_text_html(p, page->title), "</title><style>", style,
                       "</style></head><body><main><h1>", sl_text_html(p, page->title), "</h1>",
                       text, page->facts != NULL ? facts_html(p, page->facts) : "",
                       page->links != NULL ? links_html(p, page->links) : "",
                       page->window != NULL ? window_html(p, page->window) : "",
                       page->form != NULL ? form_html(p, page->form) : "",
                       paragraph(p, page->after), "<footer>Reference: <code>",
                       sl_text_html(p, sl_request_reference(r)),
                       "</code></footer></main></body></html>\n", NULL);
}

const char *sl_page_style(apr_pool_t *p)
{
    unsigned char digest[SL_SHA256_LEN];

    sl_digest_sha256(style, sizeof(style) - 1, digest);
    return sl_text_base64(p, digest, sizeof(digest));
}

static const char *policy(request_rec *r, const sl_page_t *page)
{
    const char *known = sl_conf_server(r->server)->main->page_style;
    const char *ancestors = page->ancestors != NULL ? page->ancestors : sl_page_ancestors(r, NULL);

    return apr_pstrcat(
        r->pool, "default-src 'none'; style-src 'sha256-",
        known != NULL ? known : sl_page_style(r->pool), "'; ",
        page->leaves ? "" : "form-action 'self'; ", "base-uri 'none'; frame-ancestors ", ancestors,
        page->sandboxed ? "; sandbox allow-top-navigation-by-user-activation" : "", NULL);
}

const char *sl_page_ancestors(request_rec *r, const char *ehr)
{
    const sl_main_t *main = sl_conf_server(r->server)->main;
    const apr_array_header_t **embeds =
        apr_pcalloc(r->pool, sizeof(*embeds) * ((size_t)main->ehrs->nelts + 1));
    int count = 0;

    for (int i = 0; i < main->ehrs->nelts; i++) {
        const sl_ehr_t *one = &APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr;

        if (ehr == NULL || strcmp(one->name, ehr) == 0) {
            embeds[count++] = one->embed;
        }
    }
    return sl_framing_value(r->pool, embeds, count);
}

const char *sl_page_prepare(request_rec *r, const sl_page_t *page)
{
    sl_respond_headers(r, page->status);
    apr_table_setn(r->err_headers_out, "Content-Security-Policy", policy(r, page));
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    if (page->retry_after > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, page->retry_after));
    }
    ap_set_content_type(r, "text/html; charset=utf-8");
    return html(r, page);
}

int sl_page_send(request_rec *r, const sl_page_t *page)
{
    return sl_respond_body(r, sl_page_prepare(r, page));
}
