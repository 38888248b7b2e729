# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the program in README.md with the command that is there, and runs it on every database at hand."""

import os
import re
import subprocess
import sys
import tempfile

EXPECTED = 'Hello, world\nGoodbye, world\n'


def block(text, language):
    """The first block of code in the chapter on the first program."""
    chapter = text.split('\n## A first program\n', 1)[1].split('\n## ', 1)[0]
    return re.search(r'^```' + language + r'\n(.*?)^```$', chapter, re.MULTILINE | re.DOTALL).group(1)


def say(number, ok, name, output=''):
    for line in output.splitlines() if not ok else ():
        print('# ' + line)
    print(f'{"ok" if ok else "not ok"} {number} {name}', flush=True)
    return ok


def is_built(dialect):
    folders = os.environ.get('CUPEL_PLUGIN_PATH', '').split(':')
    return any(os.path.exists(os.path.join(folder, f'libcupel-dialect-{dialect}.so')) for folder in folders)


def main():
    separator = sys.argv.index('--')
    readme, build = sys.argv[1:separator]
    compiler = sys.argv[separator + 1:]
    with open(readme, encoding='utf-8') as file:
        text = file.read()
    program = block(text, 'c')
    command = block(text, 'sh').splitlines()[0]
    urls = os.environ.get('CUPEL_TEST_URLS', 'sqlite://').split()
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(build, 'meson-uninstalled'),
                       LD_LIBRARY_PATH=os.path.join(build, 'core'))
    print(f'1..{len(urls) + 3}')
    passed = []
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'hello.c'), 'w', encoding='utf-8') as file:
            file.write(program)
        passed.append(say(1, len(program.splitlines()) <= 30, '/readme/short'))
        command = re.sub(r'^cc ', ' '.join(compiler) + ' -Wall -Wextra -Werror ', command)
        built = subprocess.run(command, shell=True, cwd=folder, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        passed.append(say(2, built.returncode == 0, '/readme/build', built.stdout))
        for number, url in enumerate(urls, 3):
            dialect = url.split(':')[0]
            name = '/readme/run/' + dialect + ('' if url != 'sqlite://' else '/memory')
            if not is_built(dialect):
                print(f'ok {number} {name} # SKIP this build leaves out the dialect {dialect}', flush=True)
                continue
            run = subprocess.run(['./hello', url], cwd=folder, env=environment, text=True, timeout=60,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            passed.append(say(number, run.returncode == 0 and run.stdout == EXPECTED,
                              name, run.stdout))
        run = subprocess.run(['./hello', 'sqlite://?nonsense=1'], cwd=folder, env=environment, text=True, timeout=60,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        passed.append(say(len(urls) + 3, run.returncode == 1 and 'nonsense' in run.stderr and not run.stdout,
                          '/readme/run/bad-url', run.stderr))
    return 0 if all(passed) else 1


if __name__ == '__main__':
    sys.exit(main())
