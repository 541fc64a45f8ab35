"""`printfarm …`: the command line. Every command imports only what it needs, so that `inspect` never loads the web."""

import argparse
import atexit
import gc
import sys
from collections.abc import Callable
from pathlib import Path

from printfarm.config import Settings, SettingsError, load_settings

Command = Callable[[argparse.Namespace], int]
REFUSED = 2  # the exit code of everything that a person can put right


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code. What a person can put right is a sentence on standard error and code 2."""
    arguments = _parser().parse_args(argv)
    atexit.register(gc.freeze)  # to look for garbage among all that was imported is half of what an end costs
    command: Command = arguments.command
    try:
        return command(arguments)
    except SettingsError as problem:
        return _refuse(str(problem))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="printfarm", description="The one program that a small 3D-printing shop runs on."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(command=command)
        return sub

    add("up", up, "run everything: Redis, web, workers and hub; stop with Ctrl-C")
    demo_parser = add(
        "demo", demo, "run everything with a small made-up shop and simulated printers, in its own folder"
    )
    demo_parser.add_argument("--data", type=Path, metavar="FOLDER", help="where it keeps its data")
    demo_parser.add_argument("--fresh", action="store_true", help="throw away what an earlier demo left there")
    inspect_parser = add("inspect", inspect, "print what the readers see in sliced files, one JSON object a line")
    inspect_parser.add_argument("--json", action="store_true", help="the output is always JSON; accepted for clarity")
    inspect_parser.add_argument("files", nargs="+", metavar="FILE")
    add("migrate", migrate, "back up the database and bring it to this program's version")
    add("backup", backup, "write database, files and key into one zip").add_argument("path", type=Path)
    add("restore", restore, "put a backup into an empty place").add_argument("path", type=Path)
    add("reset-password", reset_password, "print a link with which a person chooses a new password").add_argument(
        "email"
    )
    add("setup-code", setup_code, "print the code that the first owner must enter")
    add("reindex", reindex, "read everything that can be found into the search's index anew")
    orphans_parser = add(
        "orphans", orphans, "count the stored files that belong to nothing; a sweep removes them daily"
    )
    orphans_parser.add_argument("--list", type=int, default=0, metavar="N", help="name the first N of each shop")
    orphans_parser.add_argument("--remove", action="store_true", help="remove them now")
    quota_parser = add("quota", quota, "show what each shop stores and may store, or give one shop a limit of its own")
    quota_parser.add_argument("--shop", metavar="NAME", help="the shop whose limit changes")
    quota_parser.add_argument(
        "--gb", metavar="GB", help='its limit, "none" for no limit, "default" for PRINTFARM_SHOP_QUOTA_GB'
    )
    _import_arguments(add("import-folder", import_folder, "make models and variants of a folder of sliced files"))
    add("web", web, "run only the web process")
    add("worker", worker, "run only a worker").add_argument("--queue", choices=("fast", "slow"), required=True)
    add("hub", hub, "run only the built-in hub")
    add("redis", redis, "run only the embedded Redis")
    add("simulators", simulators, "run only the simulated printers")
    add("demo-visitor", demo_visitor, "run only the demo's visitor")
    add("version", version, "print the version")
    return parser


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="each folder in it with sliced files becomes a model")
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="a plan.yaml: names, tags, filaments, what to leave out"
    )
    parser.add_argument("--shop", metavar="NAME", help="for which shop, where there are several")
    parser.add_argument("--dry-run", action="store_true", help="only look, and say what would become what")
    parser.add_argument("--write-plan", type=Path, metavar="FILE", help="write the plan that it follows, to be edited")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the filament demand as CSV")


def up(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import up as processes

    return _start(load_settings(), processes.run)


def demo(arguments: argparse.Namespace) -> int:
    from printfarm.processes import demo as processes

    return _start(processes.settings(arguments.data), lambda settings: processes.run(settings, fresh=arguments.fresh))


def inspect(arguments: argparse.Namespace) -> int:
    from printfarm.files.inspect import inspect_files

    return inspect_files(arguments.files, sys.stdout)


def migrate(_arguments: argparse.Namespace) -> int:
    from printfarm.core.backup import BackupRefused
    from printfarm.core.migrations import MigrationRefused, upgrade

    try:
        upgrade(load_settings())
    except (MigrationRefused, BackupRefused) as problem:
        return _refuse(str(problem))
    print("The database is at this program's version.")
    return 0


def backup(arguments: argparse.Namespace) -> int:
    from printfarm.core.backup import BackupRefused, make

    try:
        manifest = make(load_settings(), arguments.path.absolute())
    except BackupRefused as problem:
        return _refuse(str(problem))
    print(f"Saved {sum(manifest['tables'].values())} rows and {_files(manifest)} files in {arguments.path}.")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    from printfarm.core.backup import BackupRefused
    from printfarm.core.backup import restore as put_back
    from printfarm.processes.lock import running_pid

    settings = load_settings()
    pid = running_pid(settings.data_dir, "up")
    if pid is not None:
        return _refuse(f"PrintFarm runs in {settings.data_dir} (process {pid}). Stop it before a restore.")
    try:
        manifest = put_back(settings, arguments.path.absolute())
    except BackupRefused as problem:
        return _refuse(str(problem))
    print(
        f"Restored {sum(manifest['tables'].values())} rows and {_files(manifest)} files; every count is as it was saved."
    )
    return 0


def reindex(_arguments: argparse.Namespace) -> int:
    from printfarm.core.errors import DomainError
    from printfarm.core.migrations import is_current
    from printfarm.processes.reindexing import all_shops

    settings = load_settings()
    if not is_current(settings):
        return _refuse("There is no database of this program's version. Run `printfarm migrate` first.")
    try:
        all_shops(settings, sys.stdout)
    except DomainError as problem:
        return _refuse(problem.sentence)
    return 0


def reset_password(arguments: argparse.Namespace) -> int:
    from printfarm import create_app
    from printfarm.accounts.service import reset_password as make_link
    from printfarm.accounts.service import sign_in_path
    from printfarm.core.errors import DomainError
    from printfarm.core.work import unit_of_work

    settings = load_settings()
    try:
        with create_app(settings).app_context(), unit_of_work(None) as db:
            token = make_link(db, arguments.email)
    except DomainError as problem:
        return _refuse(problem.sentence)
    print(f"With this link {arguments.email} chooses a new password, once, within the hour:")
    print(f"{settings.address}{sign_in_path(token)}")
    return 0


def orphans(arguments: argparse.Namespace) -> int:
    from printfarm.processes import keeping

    return _on_all_shops(
        lambda settings: keeping.orphans(settings, arguments.list, sys.stdout, remove=arguments.remove)
    )


def quota(arguments: argparse.Namespace) -> int:
    from printfarm.processes import keeping

    if bool(arguments.shop) != bool(arguments.gb):
        return _refuse("--shop and --gb belong together.")
    return _on_all_shops(lambda settings: keeping.quota(settings, arguments.shop, arguments.gb, sys.stdout))


def import_folder(arguments: argparse.Namespace) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from printfarm.core.errors import DomainError
    from printfarm.processes import importing

    asked = importing.Asked(
        folder=arguments.folder,
        plan=arguments.plan,
        shop=arguments.shop,
        dry_run=arguments.dry_run,
        write_plan=arguments.write_plan,
        report=arguments.report,
    )
    try:
        return importing.import_folder(load_settings(), asked, importing.every_name(sys.stdout))
    except DomainError as problem:
        return _refuse(problem.sentence)
    except SQLAlchemyError:
        return _refuse("There is no database yet, or it is older than this program. Run `printfarm migrate` first.")


def _on_all_shops(work: Callable[[Settings], None]) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from printfarm.core.errors import DomainError

    try:
        work(load_settings())
    except DomainError as problem:
        return _refuse(problem.sentence)
    except SQLAlchemyError:
        return _refuse("There is no database yet, or it is older than this program. Run `printfarm migrate` first.")
    return 0


def setup_code(_arguments: argparse.Namespace) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from printfarm.processes.prepare import due_setup_code

    try:
        code = due_setup_code(load_settings())
    except SQLAlchemyError:
        return _refuse("There is no database yet. Start PrintFarm first; it prints the code as well.")
    if code is None:
        return _refuse("Somebody owns this PrintFarm already. `printfarm reset-password` helps a person back in.")
    print(code)
    return 0


def web(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import web as process

    return _run_alone(lambda: process.run(load_settings()))


def worker(arguments: argparse.Namespace) -> int:
    from printfarm.core.fences import Unfenced
    from printfarm.processes import worker as process

    try:
        return _run_alone(lambda: process.run(load_settings(), arguments.queue))
    except Unfenced as problem:
        return _refuse(str(problem))


def hub(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import hub as process

    return _run_alone(lambda: process.run(load_settings()))


def redis(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import valkey

    return _run_alone(lambda: valkey.run(load_settings()))


def simulators(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import demo as processes

    return _run_alone(lambda: processes.run_simulators(load_settings()))


def demo_visitor(_arguments: argparse.Namespace) -> int:
    from printfarm.processes import demo as processes

    return _run_alone(lambda: processes.run_visitor(load_settings()))


def version(_arguments: argparse.Namespace) -> int:
    from printfarm.version import __version__

    print(__version__)
    return 0


def _start(settings: Settings, run: Callable[[Settings], None]) -> int:
    from printfarm.processes.up import CannotStart

    try:
        run(settings)
    except CannotStart as problem:
        return _refuse(str(problem))
    return 0


def _run_alone(run: Callable[[], None]) -> int:
    from printfarm.processes.lock import AlreadyRunning

    try:
        run()
    except AlreadyRunning as problem:
        return _refuse(f"{problem}. Stop that one first.")
    return 0


def _files(manifest: dict[str, dict[str, object]]) -> int:
    return sum(1 for entry in manifest["entries"] if entry.startswith("files/"))


def _refuse(sentence: str) -> int:
    if sentence:
        print(sentence, file=sys.stderr, flush=True)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
