# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the programs in bindings/README.md.

usage: test-bindings-readme.py README [GJS]
"""

import os
import re
import subprocess
import sys
import tempfile

OUTPUT = {'python': "Ann ['buy milk']\nAnn\nBob\n1\n", 'js': 'Ann buy milk\nAnn\nBob\n1\n'}


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        programs = dict(re.findall(r'^```(python|js)\n(.*?)^```$', file.read(), re.MULTILINE | re.DOTALL))
    commands = {'python': [sys.executable], 'js': [sys.argv[2], '-m'] if len(sys.argv) > 2 else None}
    passed = True
    print('1..2')
    with tempfile.TemporaryDirectory() as folder:
        for number, (language, command) in enumerate(commands.items(), 1):
            if command is None:
                print(f'ok {number} /bindings/readme/{language} # SKIP gjs is not installed')
                continue
            path = os.path.join(folder, 'program.' + language)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(programs[language])
            run = subprocess.run([*command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8', timeout=60)
            ok = run.returncode == 0 and run.stdout == OUTPUT[language]
            passed = passed and ok
            for line in (run.stdout + run.stderr).splitlines() if not ok else ():
                print('# ' + line)
            print(f'{"ok" if ok else "not ok"} {number} /bindings/readme/{language}', flush=True)
    sys.exit(0 if passed else 1)


main()
