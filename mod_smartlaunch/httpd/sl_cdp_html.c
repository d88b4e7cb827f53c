/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_html.h"

#include "base/sl_text.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#define PIECES 256

sl_cdp_html_t *sl_cdp_html_new(apr_pool_t *p)
{
    sl_cdp_html_t *html = apr_pcalloc(p, sizeof(*html));

    html->p = p;
    html->pieces = apr_array_make(p, PIECES, sizeof(const char *));
    return html;
}

static void push(sl_cdp_html_t *html, const char *piece)
{
    APR_ARRAY_PUSH(html->pieces, const char *) = piece;
}

void sl_cdp_html_put(sl_cdp_html_t *html, const char *markup, ...)
{
    va_list args;
    const char *percent;

    va_start(args, markup);
    while ((percent = strchr(markup, '%')) != NULL) {
        push(html, apr_pstrmemdup(html->p, markup, (apr_size_t)(percent - markup)));
        if (percent[1] == 's') {
            push(html, sl_text_html(html->p, va_arg(args, const char *)));
        } else if (percent[1] == 'd') {
            push(html, apr_itoa(html->p, va_arg(args, int)));
        } else {
            push(html, "%");
        }
        markup = percent + 2;
    }
    va_end(args);
    push(html, markup);
}

void sl_cdp_html_add(sl_cdp_html_t *html, const sl_cdp_html_t *other)
{
    apr_array_cat(html->pieces, other->pieces);
}

const char *sl_cdp_html_text(const sl_cdp_html_t *html)
{
    return apr_array_pstrcat(html->p, html->pieces, '\0');
}
