#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs test programs with a password that is known, with all that can be logged, and looks for it in what they wrote.

    check-canary.py PROGRAM...

The servers are those of `ci/servers --password S3cr3tCANARY`; the programs find nothing but them.
"""

import os
import subprocess
import sys

CANARY = 'S3cr3tCANARY'


def main():
    urls = [os.environ.get(f'CUPEL_TEST_{name}_AUTH_URL', '') for name in ('POSTGRESQL', 'MYSQL')]
    if not all(CANARY in url for url in urls):
        print(f'1..0 # SKIP CUPEL_TEST_POSTGRESQL_AUTH_URL and CUPEL_TEST_MYSQL_AUTH_URL with the password {CANARY} are not set')
        return 0
    environment = dict(os.environ, G_MESSAGES_DEBUG='all', CUPEL_TEST_POSTGRESQL_URL=urls[0], CUPEL_TEST_MYSQL_URL=urls[1],
                       CUPEL_TEST_URLS=' '.join(urls))
    print('TAP version 13')
    print(f'1..{len(sys.argv)}')
    failed, n_debug = False, 0
    for number, program in enumerate(sys.argv[1:], 1):
        run = subprocess.run([program], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, errors='replace')
        found = [line for line in run.stdout.splitlines() if CANARY in line]
        n_debug += run.stdout.count('-DEBUG')
        for line in found[:10] or (run.stdout.splitlines()[-10:] if run.returncode != 0 else []):
            print('# ' + line)
        ok = not found and run.returncode == 0
        failed = failed or not ok
        print(f'{"ok" if ok else "not ok"} {number} - {os.path.basename(program)}: {len(run.stdout.splitlines())} lines, '
              f'{len(found)} with the password, status {run.returncode}')
    # Or nothing was looked at
    print(f'{"ok" if n_debug > 0 else "not ok"} {len(sys.argv)} - {n_debug} messages of debug level')
    return 1 if failed or n_debug == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
