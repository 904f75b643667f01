"""People and places of the world: their names, what is true of each, and how it is asked.

Everybody has a home, a job and a favourite color; every city lies in a country.
"""

from __future__ import annotations

from functools import cache
from random import Random

NAMES = (
    "anna ben clara david emma felix grace henry iris jack karen leo maria nick olga paul rosa sam tina victor "
    "alice bruno carmen dora eric fiona george helen ivan julia kevin laura martin nora oscar peter quinn rita "
    "simon tara ursula vera walter xenia yusuf zoe adam bella carl diana edgar frida gavin hanna isaac jane kurt "
    "lena mark nadia omar petra ralph sonia tom ugo vincent wanda arthur betty conrad doris"
).split()
COUNTRIES = {
    "france": "paris",
    "england": "london",
    "italy": "rome",
    "germany": "berlin",
    "spain": "madrid",
    "austria": "vienna",
    "greece": "athens",
    "ireland": "dublin",
    "norway": "oslo",
    "egypt": "cairo",
    "india": "delhi",
    "japan": "tokyo",
    "australia": "sydney",
    "america": "boston chicago",
    "peru": "lima",
    "cuba": "havana",
    "nigeria": "lagos",
    "russia": "moscow",
    "bohemia": "prague",
}
CITIES = [city for cities in COUNTRIES.values() for city in cities.split()]
JOBS = "doctor teacher farmer lawyer painter singer nurse driver dancer poet actor dentist".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
COLORS = "red blue green black white yellow purple brown".split()

KNOWN, ABSENT = NAMES[:60], NAMES[60:]
RECOMBINABLE = NAMES[:60:3]
"""Known people whose country is never stated."""

VALUES = {"city": CITIES, "job": JOBS, "color": COLORS, "country": list(COUNTRIES)}

ASKED = {
    "city": (
        "where does {n} live?",
        "in which city does {n} live?",
        "what is the home of {n}?",
        "tell me where {n} lives.",
    ),
    "job": (
        "what is the job of {n}?",
        "what does {n} do for a living?",
        "which job has {n}?",
        "tell me the job of {n}.",
    ),
    "color": (
        "which color does {n} like?",
        "what is the color of {n}?",
        "what color does {n} like best?",
        "tell me which color {n} likes.",
    ),
    "country": (
        "in which country does {n} live?",
        "what is the country of {n}?",
        "tell me the country of {n}.",
        "which country does {n} live in?",
    ),
}
"""How the corpus asks."""
ASKED_ANEW = {
    "city": ("which city does {n} live in?", "what is the city of {n}?"),
    "job": ("tell me what {n} does for a living.", "what job has {n}?"),
    "color": ("tell me the color {n} likes best.", "which is the best color for {n}?"),
    "country": ("tell me which country {n} lives in.", "in what country does {n} live?"),
}
"""Wordings of the same words that the corpus never uses."""
ACTIONS = ("saw", "found", "has", "wants", "drew", "sold", "likes", "took")
"""What people do with things."""


@cache
def country_of() -> dict[str, str]:
    """City -> country."""
    return {city: country for country, cities in COUNTRIES.items() for city in cities.split()}


@cache
def facts() -> dict[str, dict[str, str]]:
    """Person -> {"city", "job", "color", "country"}, of everybody, the absent included: fixed for all time."""
    rng = Random("people")
    found = {}
    for name in NAMES:
        city = rng.choice(CITIES)
        found[name] = {
            "city": city,
            "job": rng.choice(JOBS),
            "color": rng.choice(COLORS),
            "country": country_of()[city],
        }
    return found
