#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints docs/log-ids.md, made of docs/log-ids.d/*.md: scripts/log-ids.sh >docs/log-ids.md
set -euo pipefail
cd "$(dirname "$0")/../docs/log-ids.d"

cat <<'TEXT'
# Log ids

Every line of mod_smartlaunch in httpd's error log, every message of `smartlaunchctl` and every
failed step of a launch (column `outcome` of the table `launch_step`) begins with an id. Lines about
a request end with the **reference** that the user sees on the page: `grep REFERENCE error_log`
finds the line, `smartlaunchctl trace REFERENCE` tells the steps of the launch.

The thousands are the layer: 1 base, 2 rules of the protocol and of browsers, 3 PostgreSQL (30xx, 34xx)
and outgoing connections (35xx), 4 what happens in a launch, 5 configuration and start, 6 requests
and answers, 7 `smartlaunchctl`, 8 the Clinical Data Pull. A refusal with a status below 500 is logged as a warning, from 500
on as an error; where the table says something else, the level of the line depends on where it
happened. No line has a token, a code, a cookie, a query or a patient's id in it.

This file is made by `scripts/log-ids.sh` from `docs/log-ids.d/`.

| id | level | what it means, and what to do |
|---|---|---|
TEXT
cat ./*.md | grep '^| SL' | LC_ALL=C sort
