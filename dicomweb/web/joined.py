"""ES modules that are needed together, joined so that one request brings them.

The study browser's modules are written, read and tested one noun a file; over HTTP a file is a
round trip.  What `main.js` imports travels in `main.js`, and what another view needs beside that
travels in the view's file.  A module becomes a function that gives what the module exports, in the
order in which modules are evaluated (ECMA-262 16.2.1.6); its text is otherwise as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MAIN = "main"

_IMPORT = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)
_LATE = re.compile(r'\bimport\("\./(\w+)\.js"\)')


def joined(modules: Mapping[str, str]) -> dict[str, str]:
    """By name, what is asked for by itself: `main`, and every module that is imported late."""
    shared = tuple(_together(MAIN, modules))
    late = sorted({name for text in modules.values() for name in _LATE.findall(text)})
    views = {name: _file(name, modules, shared) for name in late if name not in shared}
    return {MAIN: _file(MAIN, modules, ()), **views}


def _together(
    entry: str, modules: Mapping[str, str], without: tuple[str, ...] = ()
) -> Iterator[str]:
    """The module and all that it imports, each once, those that are imported first."""
    seen = set(without)

    def walk(name: str) -> Iterator[str]:
        seen.add(name)
        for needed in _needs(modules[name]):
            if needed not in seen:
                yield from walk(needed)
        yield name

    return walk(entry)


def _needs(text: str) -> list[str]:
    return [found[3] for found in _IMPORT.finditer(text)]


def _file(entry: str, modules: Mapping[str, str], shared: tuple[str, ...]) -> str:
    names = list(_together(entry, modules, shared))
    taken = sorted({one for name in names for one in _needs(modules[name]) if one in shared})
    parts = [f"import {{ {_dollars(taken)} }} from './{MAIN}.js';\n"] if taken else []
    parts += [_function(name, modules[name]) for name in names]
    given = _EXPORT.findall(modules[entry])
    if entry == MAIN:
        parts.append(f"export {{ {_dollars(names)} }};\n")
    else:
        parts.append(f"export const {{ {', '.join(given)} }} = ${entry};\n")
    return "\n".join(parts)


def _function(name: str, text: str) -> str:
    given = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(_taken, text))
    return f"const ${name} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n"


def _taken(found: re.Match[str]) -> str:
    """What a module imports, taken from the function that stands for the other."""
    whole, some, name = found.groups()
    return f"const {whole or '{' + some.replace(' as ', ': ') + '}'} = ${name};\n"


def _dollars(names: list[str]) -> str:
    return ", ".join(f"${name}" for name in names)
