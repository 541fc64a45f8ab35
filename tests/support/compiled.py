"""What all applications of a run of tests have in common, made once: each test builds an application of its own."""

from types import CodeType

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class Templates(FileSystemBytecodeCache):
    """Code of templates: in a folder for all processes of the run, and in memory for the tests of one."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._made: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        at = (bucket.key, bucket.checksum)
        if at not in self._made:
            super().load_bytecode(bucket)
            if bucket.code is None:  # it is compiled now, and given to dump_bytecode
                return
            self._made[at] = bucket.code
        bucket.code = self._made[at]

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._made[bucket.key, bucket.checksum] = bucket.code
        super().dump_bytecode(bucket)


def keep_routes() -> None:
    """From now on the address of a route is taken apart and compiled once; what comes of it knows no application."""
    compile_anew, made = Rule.compile, {}

    def compile_once(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes)
        if rule.defaults or key not in made:
            compile_anew(rule)
            made.setdefault(key, rule)
            return
        known = made[key]
        rule._parts, rule._trace, rule._converters = known._parts, known._trace, known._converters
        rule.arguments = set(known.arguments)
        rule._build, rule._build_unknown = (one.__func__.__get__(rule) for one in (known._build, known._build_unknown))

    Rule.compile = compile_once
