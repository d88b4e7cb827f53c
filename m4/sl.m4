# SPDX-License-Identifier: Apache-2.0

# SL_SYSTEM(FLAGS): the same -I directories as -isystem, so that foreign headers raise no warnings
# of ours. The compiler's own directories are left out: naming them changes their order.
AC_DEFUN([SL_SYSTEM], [`printf '%s\n' $1 | sed -n \
    -e '/^-I\/usr\/include$/d' -e '/^-I\/usr\/include\/[[^/]]*-linux-gnu[[^/]]*$/d' \
    -e 's/^-I/-isystem /p' -e '/^-D/p' | tr '\n' ' '`])

# SL_APXS: httpd's own answers, for the module and for nobody else.
AC_DEFUN([SL_APXS], [
    AC_ARG_WITH([apxs],
        [AS_HELP_STRING([--with-apxs=PATH], [httpd's apxs @<:@found in PATH@:>@])],
        [APXS="$withval"],
        [AC_PATH_PROGS([APXS], [apxs apxs2], [no], [$PATH:/usr/sbin:/usr/local/apache2/bin])])
    AS_IF([test ! -x "$APXS"],
        [AC_MSG_ERROR([apxs not found: install httpd's development files (apache2-dev, httpd-devel) or use --with-apxs=PATH])])
    HTTPD_CPPFLAGS="-isystem `$APXS -q INCLUDEDIR`"
    HTTPD_BINDIR=`$APXS -q SBINDIR`
    HTTPD_PROGNAME=`$APXS -q progname`
    AC_ARG_WITH([moduledir],
        [AS_HELP_STRING([--with-moduledir=DIR], [where mod_smartlaunch.so goes @<:@apxs -q LIBEXECDIR@:>@])],
        [moduledir="$withval"],
        [moduledir=`$APXS -q LIBEXECDIR`])
    AC_SUBST([HTTPD_CPPFLAGS])
    AC_SUBST([HTTPD_BINDIR])
    AC_SUBST([HTTPD_PROGNAME])
    AC_SUBST([moduledir])
])

# SL_APR: the APR that httpd was built with.
AC_DEFUN([SL_APR], [
    sl_apr=`$APXS -q APR_CONFIG 2>/dev/null`
    sl_apu=`$APXS -q APU_CONFIG 2>/dev/null`
    AS_IF([test -x "$sl_apr"], [], [AC_PATH_PROG([sl_apr], [apr-1-config], [no])])
    AS_IF([test -x "$sl_apu"], [], [AC_PATH_PROG([sl_apu], [apu-1-config], [no])])
    AS_IF([test ! -x "$sl_apr" || test ! -x "$sl_apu"],
        [AC_MSG_ERROR([apr-1-config or apu-1-config not found: install the development files of APR and APR-util])])
    sl_flags="`$sl_apr --cppflags --includes` `$sl_apu --includes`"
    APR_CPPFLAGS="SL_SYSTEM([$sl_flags])"
    APR_LIBS="`$sl_apu --link-ld` `$sl_apr --link-ld`"
])

# SL_PKG(NAME, PKG): NAME_LIBS, and NAME_SYSTEM for the preprocessor.
AC_DEFUN([SL_PKG], [
    PKG_CHECK_MODULES([$1], [$2])
    $1_SYSTEM="SL_SYSTEM([$$1_CFLAGS])"
])

# SL_WARNINGS: C11 and the warnings of the house, as far as the compiler knows them.
AC_DEFUN([SL_WARNINGS], [
    SL_CFLAGS="-std=c11"
    for flag in -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum \
        -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla; do
        AC_MSG_CHECKING([whether $CC takes $flag])
        sl_saved_cflags="$CFLAGS"
        CFLAGS="$CFLAGS -Werror $flag"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
            [AC_MSG_RESULT([yes]); SL_CFLAGS="$SL_CFLAGS $flag"],
            [AC_MSG_RESULT([no])])
        CFLAGS="$sl_saved_cflags"
    done
])

# SL_SANITIZERS: ASan and UBSan for every object. Undefined behaviour ends the process, so that no
# test can overlook it.
AC_DEFUN([SL_SANITIZERS], [
    SL_LDFLAGS=""
    AS_IF([test "x$enable_sanitizers" = xyes], [
        sl_san="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
        SL_CFLAGS="$SL_CFLAGS $sl_san -fno-omit-frame-pointer -g"
        SL_LDFLAGS="$sl_san"
    ])
])

# SL_LAYERS(SOURCES): layers/<layer>/<each layer it may include>, links into the source tree.
AC_DEFUN([SL_LAYERS], [
    sl_layer() {
        rm -rf "layers/$[]1" && mkdir -p "layers/$[]1" || exit 1
        for sl_below in $[]2; do
            ln -s "$1/$sl_below" "layers/$[]1/$sl_below" || exit 1
        done
    }
    sl_layer base "base"
    sl_layer smart "base smart"
    sl_layer cdp "base cdp"
    sl_layer store "base store"
    sl_layer net "base net"
    sl_layer flow "base smart store net flow"
    sl_layer flow-cdp "base smart cdp store net flow"
    sl_layer httpd "base smart store net flow httpd"
    sl_layer httpd-cdp "base smart cdp store net flow httpd"
    sl_layer ctl "base smart cdp store net flow ctl"
    sl_layer unit "base smart cdp store net flow"
])
