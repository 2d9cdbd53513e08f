"""Modules of the study browser travel joined; what runs is what was written."""

from __future__ import annotations

import re
from pathlib import Path

import dicomweb
from dicomweb.web.joined import joined

UI = Path(dicomweb.__file__).parent / "ui"

LEAF = "export const A = 1;\nexport async function b() {}\nconst own = 2;\n"
MIDDLE = 'import { A as one, b } from "./leaf.js";\nexport class C {}\n'
VIEW = (
    'import { b } from "./leaf.js";\n'
    'import * as part from "./part.js";\nexport function show() {}\n'
)
MAIN = 'import { C } from "./middle.js";\nconst later = () => import("./view.js");\n'
MODULES = {
    "leaf": LEAF,
    "main": MAIN,
    "middle": MIDDLE,
    "part": "export const P = 1;\n",
    "view": VIEW,
}


def test_what_main_imports_travels_in_it_each_module_after_what_it_needs():
    main = joined(MODULES)["main"]
    assert re.findall(r"^const \$(\w+) =", main, re.MULTILINE) == ["leaf", "middle", "main"]
    assert "const { A: one, b } = $leaf;" in main
    assert "return { A, b };" in main, "and nothing that is the module's own"
    assert main.endswith("export { $leaf, $middle, $main };\n")


def test_what_is_imported_late_brings_only_what_main_has_not():
    files = joined(MODULES)
    assert set(files) == {"main", "view"}
    view = files["view"]
    assert view.startswith("import { $leaf } from './main.js';\n")
    assert re.findall(r"^const \$(\w+) =", view, re.MULTILINE) == ["part", "view"]
    assert "const part = $part;" in view
    assert view.endswith("export const { show } = $view;\n")


def test_no_module_of_the_browser_is_written_in_a_way_that_is_not_joined():
    modules = {path.stem: path.read_text() for path in UI.glob("*.js") if path.stem != "first"}
    for name, text in joined(modules).items():
        inside = re.findall(r"^(?:import|export)\b.*", text, re.MULTILINE)
        assert [line for line in inside if "$" not in line] == [], name
    assert not [name for name, text in modules.items() if re.search(r"^export (let|default)", text)]
