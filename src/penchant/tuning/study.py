"""Where trials are kept: an Optuna study, in memory or in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penchant.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import optuna

_RANDOM = 15  # trials before one may be given up


@contextmanager
def study_of(
    storage: str | Path | None, about: Mapping[str, Any], smaller: bool
) -> Iterator[optuna.Study]:
    """A study in memory or in a file, of the same question as before."""
    optuna = _optuna()
    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = None
    try:
        if storage is not None:
            kept = _storage(optuna, Path(storage))
        study = optuna.create_study(
            storage=kept,
            study_name="penchant",
            load_if_exists=True,
            direction="minimize" if smaller else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_RANDOM),
        )
        _same_question(study, json.loads(json.dumps(about, default=str)), storage)
        for one in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            study.tell(one.number, state=optuna.trial.TrialState.FAIL)  # of a run that was stopped
        yield study
    finally:
        optuna.logging.set_verbosity(said)
        if kept is not None:
            kept.remove_session()
            kept.engine.dispose()


def _same_question(
    study: optuna.Study, about: Mapping[str, Any], storage: str | Path | None
) -> None:
    before = study.user_attrs.get("question")
    if before is None:
        study.set_user_attr("question", about)
    elif before != about:
        other = ", ".join(name for name in about if about[name] != before.get(name))
        raise UsageError(
            f"this file holds the trials of another search (other {other})",
            where=f"tune(storage={str(storage)!r})",
            do="Name another file",
        )


def _storage(optuna: Any, path: Path) -> Any:
    """The file of trials, an old or a new one."""
    from sqlalchemy.exc import DatabaseError

    try:
        return optuna.storages.RDBStorage(f"sqlite:///{path}")
    except DatabaseError as error:
        raise UsageError(
            f"cannot keep trials there ({error.orig})",
            where="tune(storage=)",
            got=str(path),
            do="Name a new file in a folder that exists",
        ) from error


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("tune", "tune") from error
    return optuna
