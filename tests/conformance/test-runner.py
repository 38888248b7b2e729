#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the conformance program makes of scenarios that fail, leak, block or are skipped. Prints TAP.

usage: test-runner.py OWN-SCENARIOS
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

PROGRAM = sys.argv[1]
n_tests = 0
failed = False


def check(condition, text, shown=''):
    global n_tests, failed
    n_tests += 1
    failed = failed or not condition
    if not condition:
        for line in str(shown).splitlines():
            print('# ' + line)
    print(f'{"ok" if condition else "not ok"} {n_tests} - {text}')


def run(*arguments, limit='10'):
    environment = dict(os.environ, CUPEL_CONFORMANCE_STALL_MS=limit, LC_ALL='C.UTF-8')
    return subprocess.run([PROGRAM, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding='utf-8', timeout=120)


reply = run('--url', 'sqlite://', '--scenario', 'good', limit='0')
check(reply.returncode == 0, 'a scenario that passes: status 0', reply.stdout + reply.stderr)

for name, text in [('bad', 'step 7 a <number>: expected 4, got 3'), ('error', 'it could not go on: the reason'),
                   ('leak', 'connections still lent: expected 0, got 1'), ('nothing', 'it checked nothing')]:
    reply = run('--url', 'sqlite://', '--scenario', name, limit='0')
    check(reply.returncode == 1, f'{name}: status 1', reply.stdout)
    check(text in reply.stdout, f'{name}: it says why', reply.stdout)

reply = run('--url', 'sqlite://', '--scenario', 'busy-loop')
check(reply.returncode == 1 and 'the main loop was kept for' in reply.stdout and 'in busy-loop' in reply.stdout,
      'a loop that is kept fails the run and names the scenario', reply.stdout)
reply = run('--url', 'sqlite://', '--scenario', 'busy-loop', limit='0')
check(reply.returncode == 0 and 'in busy-loop' in reply.stdout, 'or is only told', reply.stdout)

reply = run('--url', 'sqlite://', '--scenario', 'greedy')
check(reply.returncode == 1 and 'the main loop had no turn for an interface for' in reply.stdout,
      'so does one that nobody of a lower priority gets a turn of', reply.stdout)
reply = run('--url', 'sqlite://', '--scenario', 'greedy', limit='0')
check(reply.returncode == 0, 'or it is only told', reply.stdout)

reply = run('--url', 'sqlite://', '--scenario', 'skipped')
check(reply.returncode == 0 and '0 passed, 0 failed, 1 skipped' in reply.stdout, 'a skip is counted', reply.stdout)
check('native-uuid, persistent' in reply.stdout, 'and names what is missing', reply.stdout)

reply = run('--url', 'sqlite://', '--format', 'tap', limit='0')
check('1..8' in reply.stdout and 'not ok 2 - bad on sqlite memory' in reply.stdout and 'ok 1 - good' in reply.stdout and
      '# SKIP' in reply.stdout, 'TAP', reply.stdout)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'report.xml')
    reply = run('--url', 'sqlite://', '--format', 'junit', '--output', path, limit='0')
    suite = xml.etree.ElementTree.parse(path).getroot().find('testsuite')
    check(reply.returncode == 1 and reply.stdout == '' and suite.get('tests') == '8' and suite.get('failures') == '4' and
          suite.get('skipped') == '1' and len(suite.findall('testcase/failure')) == 4, 'JUnit XML in a file', suite.attrib)

reply = run('--url', 'sqlite://', '--format', 'html', limit='0')
check('a &lt;number&gt;: expected 4, got 3' in reply.stdout and '</html>' in reply.stdout, 'HTML, escaped', reply.stdout)

reply = run('--list')
check(reply.returncode == 0 and len(reply.stdout.splitlines()) == 8, 'the list', reply.stdout)
for arguments in [['--format=nonsense'], ['--no-such-option'], ['sqlite://'], ['--scenario', 'no-such']]:
    reply = run(*arguments)
    check(reply.returncode == 2 and reply.stderr != '', f'{arguments[0]}: status 2', reply.stderr)

reply = run('--url', 'nosuch://u:canary@h/d', '--scenario', 'good')
check(reply.returncode == 1 and 'canary' not in reply.stdout + reply.stderr, 'an unusable URL fails, without its password', reply.stdout)
print(f'1..{n_tests}')
sys.exit(1 if failed else 0)
