"""What all applications of a run of tests have in common, made once: each test builds an application of its own."""

from collections.abc import Callable
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
    """From now on the address of a route is compiled once; what is compiled knows no application."""
    compile_anew, made = Rule._compile_builder, {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if rule.defaults:
            return compile_anew(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in made:
            made[key] = compile_anew(rule, append_unknown)
        return made[key]

    Rule._compile_builder = compile_once
