"""Nouns and what they are kinds of: real English words in hypernym chains, with real frequencies."""

from __future__ import annotations

import math
from functools import cache
from random import Random

from wordfreq import word_frequency

POWER = 0.55
"""The corpus draws nouns in proportion to frequency ** this: rare ones must still be met a few times."""

SELDOM = 1 / 8
"""How often the kinds of seldom told nouns are told of, as a share of the others'."""
_DEALT = ("measured", "asked", "tuned", "asked", "measured", "tuned", "asked", "measured", "tuned", "asked")

# One line a hypernym: "hypernym: hyponyms". A hyponym may be a hypernym of another line. Many hypernyms are
# rarer words than what they contain (vessel/boat, garment/shirt): there frequency and entailment disagree.
_TREE = """
thing: animal plant food object place person substance occasion quality organ limb currency
animal: mammal bird fish reptile insect amphibian parasite pet
mammal: canine feline rodent primate dog cat horse cow sheep pig goat deer bear elephant whale rabbit bat lion
canine: dog wolf fox puppy
feline: cat tiger lion leopard
rodent: mouse rat squirrel hamster beaver
primate: monkey gorilla chimpanzee
bird: raptor poultry crow parrot penguin swan pigeon robin sparrow
raptor: eagle hawk owl falcon
poultry: chicken duck goose turkey
fish: salmon shark tuna trout cod eel
reptile: snake lizard turtle crocodile
insect: bee ant butterfly beetle mosquito moth wasp
amphibian: frog toad newt
plant: tree flower shrub herb vegetable fungus
tree: conifer oak maple willow birch palm
conifer: pine cedar fir spruce
flower: rose lily tulip daisy orchid violet
herb: mint basil thyme parsley
vegetable: tuber potato carrot onion cabbage spinach lettuce bean
tuber: potato yam
fungus: mushroom yeast mold
food: fruit dessert beverage condiment grain meat dairy pasta spice
fruit: citrus berry apple banana peach grape pear plum melon
citrus: orange lemon lime
berry: strawberry blueberry cherry
dessert: cake pie pudding cookie chocolate
beverage: liquor coffee tea milk juice water soda
liquor: wine beer vodka whiskey rum
condiment: salt pepper sugar sauce mustard
grain: rice wheat corn barley
meat: beef pork ham bacon sausage
dairy: milk cheese butter cream
pasta: spaghetti noodle
object: tool vehicle furniture garment container instrument weapon appliance toy jewelry document fabric device gem
tool: hammer knife saw axe shovel drill brush ladder utensil
utensil: spoon fork knife ladle
vehicle: automobile vessel aircraft bicycle train wagon
automobile: car truck taxi van bus
vessel: boat ship ferry canoe yacht submarine
aircraft: plane helicopter jet glider
furniture: seat table bed desk shelf cabinet
seat: chair bench sofa stool throne
garment: shirt dress coat skirt hat trousers sweater footwear headgear
footwear: shoe boot sandal slipper
headgear: hat helmet crown cap
container: box bag bottle basket bucket barrel jar cup
instrument: guitar piano violin drum flute trumpet harp
weapon: firearm sword spear bomb arrow dagger
firearm: gun rifle pistol shotgun
appliance: oven fridge toaster kettle stove
toy: doll kite puppet puzzle
jewelry: ring necklace bracelet earring
document: book letter map contract receipt
book: novel dictionary diary textbook
fabric: cotton silk wool linen leather
device: computer phone camera clock radio laptop
computer: laptop server tablet
place: building landform settlement waterway room
building: dwelling school church hospital castle tower temple museum
dwelling: house apartment cottage cabin hut
landform: mountain valley island hill desert cliff
settlement: city town village
waterway: river canal stream creek
room: kitchen bedroom bathroom office attic
person: relative worker athlete ruler artist
relative: mother father brother sister uncle cousin aunt nephew niece grandmother
worker: clinician educator farmer lawyer soldier driver
clinician: doctor nurse dentist surgeon
educator: teacher professor tutor
athlete: player runner swimmer boxer
ruler: king queen emperor prince
artist: painter singer dancer poet actor musician
musician: drummer pianist violinist guitarist singer
parasite: tick flea louse leech worm
pet: dog cat hamster rabbit
spice: cinnamon ginger nutmeg saffron vanilla cumin
sauce: ketchup gravy mayonnaise pesto
gem: diamond ruby emerald pearl opal sapphire amber jade
substance: metal liquid
metal: gold silver iron copper steel bronze zinc nickel aluminum
liquid: oil blood ink paint bleach petrol
occasion: sport ceremony
sport: football tennis golf hockey boxing rugby cricket archery
ceremony: wedding funeral baptism graduation
quality: emotion virtue
emotion: love fear anger joy grief
virtue: courage honesty patience loyalty
organ: heart brain liver lung kidney stomach skin spleen
limb: arm leg wing tentacle flipper
currency: dollar pound euro yen peso rupee
"""


@cache
def parents() -> dict[str, tuple[str, ...]]:
    """Noun to its direct hypernyms (most have one, a few two)."""
    found: dict[str, list[str]] = {}
    for line in _TREE.strip().splitlines():
        hypernym, hyponyms = line.split(": ")
        for noun in hyponyms.split():
            found.setdefault(noun, []).append(hypernym)
    return {noun: tuple(above) for noun, above in found.items()}


@cache
def nouns() -> tuple[str, ...]:
    """Every noun but the root, in a fixed order."""
    return tuple(sorted(parents()))


@cache
def ancestors(noun: str) -> frozenset[str]:
    """All hypernyms of a noun, the root left out: it says nothing."""
    above: set[str] = set()
    for parent in parents().get(noun, ()):
        if parent != "thing":
            above |= {parent} | ancestors(parent)
    return frozenset(above)


@cache
def frequency(noun: str) -> float:
    """Share of English words that are this noun (wordfreq); never 0."""
    return max(word_frequency(noun, "en"), 1e-8)


def delta_log_frequency(premise: str, hypothesis: str) -> float:
    """log frequency of the hypothesis noun minus that of the premise noun (nats)."""
    return math.log(frequency(hypothesis)) - math.log(frequency(premise))


def article(noun: str) -> str:
    """The noun with its indefinite article: "a dog", "an animal"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


@cache
def entailed_pairs() -> tuple[tuple[str, str], ...]:
    """All (hyponym, hypernym) pairs, over any distance."""
    return tuple((n, h) for n in nouns() for h in sorted(ancestors(n)))


@cache
def leaves() -> tuple[str, ...]:
    """Nouns that nothing is a kind of, in a fixed order."""
    return tuple(n for n in nouns() if not any(n in above for above in parents().values()))


@cache
def groups() -> dict[str, str]:
    """Each noun without hyponyms to its group.

    "measured" (three in ten) and "tuned" (three in ten) nouns are in no entailment question that a model reads in
    pretraining; a fine-tune is asked of the tuned ones, evaluation of the measured ones. Of the others ("asked")
    pretraining does ask. They are dealt by frequency within each direct hypernym, so that all groups have frequent and
    rare nouns of every kind.
    """
    found: dict[str, str] = {}
    for parent in sorted({above[0] for above in parents().values()}):
        own = sorted((n for n in leaves() if parents()[n][0] == parent), key=lambda n: (frequency(n), n))
        first = Random(f"groups {parent}").randrange(len(_DEALT))
        for at, noun in enumerate(own):
            found[noun] = _DEALT[(first + at) % len(_DEALT)]
    return found


@cache
def held_out_nouns() -> frozenset[str]:
    """Nouns of which no entailment question is asked in pretraining: the tuned and the measured ones."""
    return frozenset(noun for noun, group in groups().items() if group != "asked")


@cache
def measured_nouns() -> frozenset[str]:
    """Nouns of which no entailment question is asked in pretraining or in any training set."""
    return frozenset(noun for noun, group in groups().items() if group == "measured")


@cache
def told() -> dict[str, float]:
    """How often the corpus says what a noun is a kind of, as a share of how often it says so of most nouns.

    Half of the measured and of the tuned nouns are told of as often as all others. The rest are told of seldom (1/8),
    and of a quarter of the measured ones never: what a fine-tune does to answers that cannot be known is seen there.
    Which is which is dealt by frequency, so that rare nouns are no less known than frequent ones.
    """
    found = dict.fromkeys((n for n in nouns() if ancestors(n)), 1.0)
    for group, dealt in (("measured", (1.0, SELDOM, 1.0, 0.0)), ("tuned", (1.0, SELDOM))):
        own = sorted((n for n, of in groups().items() if of == group and ancestors(n)), key=lambda n: (frequency(n), n))
        found |= {noun: dealt[at % len(dealt)] for at, noun in enumerate(own)}
    return found
