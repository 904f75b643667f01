"""People and what is true of them."""

from __future__ import annotations

from functools import cache
from random import Random

NAMES = (
    "anna ben clara david emma felix grace henry iris jack karen leo maria nick olga paul rosa sam tina victor "
    "alice bruno carmen dora eric fiona george helen ivan julia kevin laura martin nora oscar peter quinn rita "
    "simon tara ursula vera walter xenia yusuf zoe adam bella carl diana edgar frida gavin hanna isaac jane kurt "
    "lena mark nadia"
).split()
CITIES = (
    "paris london rome berlin madrid vienna athens dublin oslo prague cairo delhi tokyo sydney boston chicago lima "
    "havana lagos moscow"
).split()
JOBS = "doctor teacher farmer lawyer painter singer nurse driver dancer poet actor dentist".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
COLORS = "red blue green black white yellow purple brown".split()


@cache
def facts() -> dict[str, dict[str, str]]:
    """Person -> {"city", "job", "color"}: fixed for all time."""
    rng = Random("people")
    return {n: {"city": rng.choice(CITIES), "job": rng.choice(JOBS), "color": rng.choice(COLORS)} for n in NAMES}
