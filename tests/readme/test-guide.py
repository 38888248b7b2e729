# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the program that the guide consists of, and the pieces on the ORM in README.md; runs the program."""

import os
import re
import subprocess
import sys
import tempfile

EXPECTED = """\
Ann: 1 notes
Bob: 1 notes
Ann is 30
Ann O'Hara: 1 notes, since DATE
This address is in the book already.
Cancelled.
"""


def blocks(text):
    return '\n'.join(re.findall(r'^```c\n(.*?)^```$', text, re.MULTILINE | re.DOTALL))


def say(number, ok, name, output=''):
    for line in output.splitlines() if not ok else ():
        print('# ' + line)
    print(f'{"ok" if ok else "not ok"} {number} {name}', flush=True)
    return ok


def main():
    separator = sys.argv.index('--')
    guide, readme, build = sys.argv[1:separator]
    compiler = sys.argv[separator + 1:]
    with open(guide, encoding='utf-8') as file:
        program = blocks(file.read())
    with open(readme, encoding='utf-8') as file:
        orm = blocks(file.read().split('\n## The ORM\n', 1)[1].split('\n## ', 1)[0])
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(build, 'meson-uninstalled'),
                       LD_LIBRARY_PATH=os.path.join(build, 'core'))
    print('1..3')
    passed = []
    with tempfile.TemporaryDirectory() as folder:
        def build_one(name, source, options):
            with open(os.path.join(folder, name + '.c'), 'w', encoding='utf-8') as file:
                file.write(source)
            return subprocess.run(f'{" ".join(compiler)} -Wall -Werror {options} {name}.c -o {name} '
                                  '$(pkg-config --cflags --libs cupel-1)',
                                  shell=True, cwd=folder, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        built = build_one('orm', '#include <cupel.h>\n' + orm, '-Wno-unused-function -shared -fPIC')
        passed.append(say(1, built.returncode == 0, '/readme/orm', built.stdout))
        built = build_one('guide', program, '')
        passed.append(say(2, built.returncode == 0, '/guide/build', built.stdout))
        folders = os.environ.get('CUPEL_PLUGIN_PATH', '').split(':')
        if not any(os.path.exists(os.path.join(plugins, 'libcupel-dialect-sqlite.so')) for plugins in folders):
            print('ok 3 /guide/run # SKIP the sqlite dialect is not built')
        elif passed[-1]:
            run = subprocess.run([os.path.join(folder, 'guide')], env=environment, text=True, timeout=60,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = re.sub(r'\d{4}-\d\d-\d\d', 'DATE', run.stdout)
            passed.append(say(3, run.returncode == 0 and output == EXPECTED, '/guide/run', run.stdout))
        else:
            passed.append(say(3, False, '/guide/run', 'it was not built'))
    sys.exit(0 if all(passed) else 1)


main()
