#!/usr/bin/env python3
"""Lists the public interface of the engine in docs/api.txt.

    docs/api.py           compares the list with the source: status 1, and the differences, where they are not the same
    docs/api.py --write   writes the list

The list is made of what rustdoc writes as JSON, whose form is not stable: where it is another than the one known here, that is said,
and the status is 2.
"""

import difflib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "docs" / "api.txt"
FORMATS = range(50, 60)
# So that the index, and the page of `Connection`, can be read in one go.
MOST_ITEMS = 100
MOST_METHODS = 40


def documented():
    """The crate as rustdoc sees it, with all features."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = ["cargo", "rustdoc", "--quiet", "--package", "sockless", "--lib", "--all-features", "--target-dir", target / "api"]
    command += ["--", "-Z", "unstable-options", "--output-format", "json"]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "RUSTC_BOOTSTRAP": "1"})
    return json.loads((target / "api" / "doc" / "sockless.json").read_text())


class Interface:
    def __init__(self, crate):
        self.index = crate["index"]
        self.lines = []
        self.items = {}
        self.module(crate["root"], ["sockless"])

    def get(self, identifier):
        return self.index.get(str(identifier))

    def module(self, identifier, path):
        for child in self.get(identifier)["inner"]["module"]["items"]:
            item = self.get(child)
            if item is None or item["visibility"] != "public":
                continue
            kind, inner = next(iter(item["inner"].items()))
            if kind == "module":
                self.module(child, path + [item["name"]])
            elif kind == "use":
                self.used(inner, path)
            else:
                self.add(child, path + [item["name"]])

    def used(self, use, path):
        """A name that is public here, though its item is written elsewhere."""
        if use["id"] is not None and self.get(use["id"]) is not None:
            self.add(use["id"], path + [use["name"]])

    def add(self, identifier, path):
        """Notes an item under its shortest path."""
        known = self.items.get(identifier)
        if known is None or len(path) < len(known):
            self.items[identifier] = path

    def text(self):
        for identifier, path in sorted(self.items.items(), key=lambda item: [part.lower() for part in item[1]]):
            self.item(self.get(identifier), "::".join(path))
        return "\n".join(self.lines) + "\n"

    def item(self, item, path):
        kind, inner = next(iter(item["inner"].items()))
        exhaustive = "" if not any("non_exhaustive" in str(attribute) for attribute in item["attrs"]) else " (non-exhaustive)"
        if kind == "function":
            self.lines.append(f"fn {path}{self.signature(inner)}")
            return
        if kind in ("constant", "type_alias", "static"):
            self.lines.append(f"{kind} {path}: {self.type(inner['type'])}")
            return
        self.lines.append(f"{kind} {path}{exhaustive}")
        members = []
        if kind == "struct" and "plain" in inner["kind"]:
            members = [self.get(field) for field in inner["kind"]["plain"]["fields"]]
            members = [f"{field['name']}: {self.type(field['inner']['struct_field'])}" for field in members if field]
        elif kind == "enum":
            members = [self.variant(self.get(variant)) for variant in inner["variants"]]
        elif kind == "trait":
            members = [self.member(self.get(member)) for member in inner["items"]]
        for identifier in inner.get("impls", []):
            implementation = self.get(identifier)["inner"]["impl"]
            if implementation["trait"] is None:
                items = [self.get(member) for member in implementation["items"]]
                members += [self.member(member) for member in items if member and member["visibility"] == "public"]
        self.lines += [f"    {member}" for member in sorted(members)]

    def variant(self, item):
        kind = item["inner"]["variant"]["kind"]
        if kind == "plain":
            return f"{item['name']},"
        form, fields = next(iter(kind.items()))
        if form == "tuple":
            types = [self.type(self.get(field)["inner"]["struct_field"]) for field in fields if field is not None]
            return f"{item['name']}({', '.join(types)}),"
        fields = [self.get(field) for field in fields["fields"]]
        return f"{item['name']} {{ {', '.join(f['name'] + ': ' + self.type(f['inner']['struct_field']) for f in fields if f)} }},"

    def member(self, item):
        kind, inner = next(iter(item["inner"].items()))
        if kind == "function":
            return f"fn {item['name']}{self.signature(inner)}"
        if kind == "assoc_const":
            return f"const {item['name']}: {self.type(inner['type'])}"
        return f"type {item['name']}"

    def signature(self, function):
        arguments = ", ".join(
            {"self": "self", "&self": "&self", "&mut self": "&mut self"}.get(self.receiver(name, kind), f"{name}: {self.type(kind)}")
            for name, kind in function["sig"]["inputs"]
        )
        output = function["sig"]["output"]
        return f"({arguments})" + (f" -> {self.type(output)}" if output is not None else "")

    @staticmethod
    def receiver(name, kind):
        if name != "self":
            return ""
        if kind.get("generic") == "Self":
            return "self"
        reference = kind.get("borrowed_ref", {})
        return "&mut self" if reference.get("is_mutable") else "&self"

    def type(self, kind):
        form, inner = next(iter(kind.items())) if isinstance(kind, dict) else (kind, None)
        if form in ("generic", "primitive"):
            return inner
        if form == "resolved_path":
            return self.path(inner)
        if form == "borrowed_ref":
            lifetime = f"{inner['lifetime']} " if inner["lifetime"] else ""
            return f"&{lifetime}{'mut ' if inner['is_mutable'] else ''}{self.type(inner['type'])}"
        if form == "tuple":
            return f"({', '.join(self.type(one) for one in inner)})"
        if form == "slice":
            return f"[{self.type(inner)}]"
        if form == "array":
            return f"[{self.type(inner['type'])}; {inner['len']}]"
        if form == "impl_trait":
            return "impl " + self.bounds(inner)
        if form == "dyn_trait":
            return "dyn " + " + ".join(self.path(one["trait"]) for one in inner["traits"])
        if form == "qualified_path":
            owner = self.type(inner["self_type"])
            trait = inner["trait"]
            return f"<{owner} as {self.path(trait)}>::{inner['name']}" if trait and trait["path"] else f"{owner}::{inner['name']}"
        return form

    def bounds(self, bounds):
        parts = [self.path(bound["trait_bound"]["trait"]) if "trait_bound" in bound else str(next(iter(bound.values()))) for bound in bounds]
        return " + ".join(parts)

    def path(self, path):
        name = path["path"].rsplit("::", 1)[-1]
        args = (path.get("args") or {}).get("angle_bracketed")
        if not args:
            return name
        parts = [self.argument(one) for one in args["args"]]
        for constraint in args["constraints"]:
            binding = constraint["binding"]
            value = self.type(binding["equality"]["type"]) if "equality" in binding else self.bounds(binding["constraint"])
            parts.append(f"{constraint['name']} = {value}")
        return f"{name}<{', '.join(parts)}>" if parts else name

    def argument(self, argument):
        if isinstance(argument, str):
            return "_"
        form, inner = next(iter(argument.items()))
        return inner if form == "lifetime" else self.type(inner) if form == "type" else str(inner.get("expr"))


def main():
    crate = documented()
    if crate["format_version"] not in FORMATS:
        print(f"docs/api.py: rustdoc writes JSON of version {crate['format_version']}, which is not known here")
        return 2
    interface = Interface(crate)
    text = interface.text()
    status = 0
    names = Counter(path[-1] for path in interface.items.values())
    twice = sorted(name for name, count in names.items() if count > 1)
    connection = next(i for i, path in interface.items.items() if path[-1] == "Connection")
    implementations = interface.get(connection)["inner"]["struct"]["impls"]
    methods = {
        interface.get(member)["name"]
        for one in implementations
        if interface.get(one)["inner"]["impl"]["trait"] is None
        for member in interface.get(one)["inner"]["impl"]["items"]
        if interface.get(member)["visibility"] == "public"
    }
    print(f"docs/api.py: {len(interface.items)} items, {len(methods)} methods of Connection, names twice: {', '.join(twice) or 'none'}")
    if len(interface.items) > MOST_ITEMS or len(methods) > MOST_METHODS or twice:
        print(f"docs/api.py: at most {MOST_ITEMS} items and {MOST_METHODS} methods of Connection, and each name once")
        status = 1
    if sys.argv[1:] == ["--write"]:
        LIST.write_text(text)
        return status
    known = LIST.read_text() if LIST.exists() else ""
    if text != known:
        sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), text.splitlines(True), "docs/api.txt", "the source", n=0))
        print("docs/api.py: the interface has changed; if it was meant to, run docs/api.py --write")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
