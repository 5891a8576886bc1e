"""The best of many trials: settings chosen on validation rows, by what each `param` declares.

`space` says what is searched, `question` what is asked, `search` runs the trials, `study` keeps
them, and `tune` is the verb.
"""

from penchant.tuning.tune import Tuning, tune

__all__ = ["Tuning", "tune"]
