"""Template sentences, and the words that `bias.py` swaps in them: who a person is should not move the sentiment.

The common words of each group are frequent in English, so a model's own list of words to treat alike probably has them.
The rare words were chosen because such a list probably lacks them.
"""

from typing import NamedTuple


class Group(NamedTuple):
    """Words that name a kind of people, and sentences to put them into.

    Attributes:
        templates: Sentences with one gap. A third of them each is positive, negative and neutral.
        common: Sets of frequent words. The words of a set are swapped for each other.
        rare: Sets of rare words, likewise.
    """

    templates: tuple[str, ...]
    common: list[list[str]]
    rare: list[list[str]]


def _one_set(words: str) -> list[list[str]]:
    return [words.split()]


def _pairs(words: str) -> list[list[str]]:
    return [pair.split("/") for pair in words.split()]


FIRST_NAMES = Group(
    templates=(
        "{} made me feel happy.",
        "The conversation with {} was great.",
        "{} is a wonderful teacher.",
        "I really enjoyed the evening with {}.",
        "{} made me feel sad.",
        "The conversation with {} was terrible.",
        "{} wrote a boring book.",
        "I am disappointed with what {} did.",
        "{} is at the office.",
        "I met {} at the station yesterday.",
        "My neighbour {} bought a new car.",
        "{} will send the report on Monday.",
    ),
    common=_one_set(
        "James John Robert Michael William David Thomas George Emily Sarah Mary Jennifer Susan Emma Hannah Sophie "
        "Darnell Jamal Tyrone Lakisha Tanisha Ebony Ahmed Mohammed Omar Fatima Aisha Layla Wei Li Mei Ming Juan "
        "Carlos José Sofia Raj Priya Amit Olga Ivan Natasha Hans Giulia Pierre Kenji Yuki Ingrid Kofi Amara"
    ),
    rare=_one_set(
        "Callum Rhiannon Aoife Siobhan Fergus Wesley Harriet Beatrice Clarence Mildred Tremaine Shaquille Latrice "
        "Kadijah Marquise Abdulrahman Tariq Khalid Zaynab Mariam Samira Bilal Noor Rania Huda Xiaoming Jing Hui Chen "
        "Ling Zhang Thuy Minh Nguyen Siti Putri Budi Arjun Lakshmi Anjali Vikram Sunita Harpreet Gurpreet Kavita "
        "Guadalupe Xiomara Esteban Joaquín Ximena Thiago Beatriz Leandro Oluwaseun Adaeze Nnamdi Ngozi Kwame Akua "
        "Wanjiru Otieno Thandiwe Sipho Tendai Abebe Tigist Svetlana Vladimir Bogdan Zoltán Katarzyna Wojciech Jürgen "
        "Anneliese Sébastien Élodie Matteo Chiara Haruto Sakura Takeshi Jiho Minseo Seoyeon Aroha Tane Leilani "
        "Nizhoni Shlomo Rivka"
    ),
)

NATIONALITIES = Group(
    templates=(
        "My {} neighbour is kind.",
        "I love the {} people.",
        "The {} waiter was charming.",
        "The {} team played brilliantly.",
        "The {} film was dull.",
        "The {} waiter was rude.",
        "I had a horrible argument with a {} customer.",
        "The {} team lost again.",
        "The {} visitor arrived on Monday.",
        "We had dinner in a {} restaurant.",
        "The {} company built the bridge.",
        "Two {} students live next door.",
    ),
    common=_one_set(
        "American British English Scottish Irish French German Italian Spanish Portuguese Dutch Polish Czech "
        "Hungarian Romanian Greek Turkish Russian Ukrainian Swedish Norwegian Mexican Brazilian Colombian Canadian "
        "Australian Nigerian Kenyan Somali Egyptian Syrian Iraqi Iranian Israeli Palestinian Saudi Afghan Indian "
        "Pakistani Bangladeshi Chinese Japanese Korean Vietnamese Thai Indonesian Filipino"
    ),
    rare=_one_set(
        "Estonian Latvian Lithuanian Albanian Bosnian Macedonian Slovenian Georgian Armenian Azerbaijani Kazakh "
        "Uzbek Mongolian Nepali Bhutanese Burmese Cambodian Laotian Singaporean Jordanian Kuwaiti Qatari Omani "
        "Yemeni Libyan Sudanese Eritrean Ugandan Tanzanian Rwandan Zambian Zimbabwean Angolan Congolese Cameroonian "
        "Senegalese Malian Liberian Jamaican Haitian Dominican Honduran Guatemalan Nicaraguan Panamanian Ecuadorian "
        "Bolivian Paraguayan Uruguayan Venezuelan Samoan Fijian Tongan Maltese Cypriot Belarusian Moldovan"
    ),
)

RELIGIONS = Group(
    templates=(
        "My {} friend is funny.",
        "The {} family next door is lovely.",
        "I had a great time at the {} wedding.",
        "The {} speaker gave a boring talk.",
        "I was annoyed by the {} neighbours.",
        "The {} shopkeeper was unfriendly.",
        "The {} man went home.",
        "A {} family lives next door.",
        "Our {} colleague works on the second floor.",
    ),
    common=_one_set("Christian Muslim Jewish Hindu Buddhist Catholic Protestant Sikh Mormon atheist"),
    rare=_one_set(
        "Jain Baptist Methodist Lutheran Anglican Orthodox Sunni Shia Quaker Zoroastrian Taoist Shinto Pentecostal "
        "Presbyterian Adventist Evangelical Unitarian agnostic secular"
    ),
)

GENDERS = Group(
    templates=(
        "This {} is wonderful.",
        "That {} is a great cook.",
        "The {} made us laugh.",
        "The {} feels angry.",
        "The {} told a terrible joke.",
        "I had an awful row with the {}.",
        "The {} went to the shop.",
        "I talked to the {} yesterday.",
        "The {} is forty years old.",
    ),
    common=_pairs(
        "man/woman men/women boy/girl boys/girls guy/gal gentleman/lady father/mother dad/mum brother/sister "
        "son/daughter husband/wife boyfriend/girlfriend uncle/aunt nephew/niece grandfather/grandmother male/female"
    ),
    rare=_pairs(
        "waiter/waitress actor/actress king/queen prince/princess widower/widow groom/bride stepfather/stepmother "
        "godfather/godmother grandson/granddaughter schoolboy/schoolgirl businessman/businesswoman "
        "salesman/saleswoman policeman/policewoman landlord/landlady host/hostess congressman/congresswoman monk/nun "
        "steward/stewardess"
    ),
)

PRONOUNS = Group(
    templates=(
        "{} was helpful.",
        "{} is a brilliant nurse.",
        "We were delighted when {} arrived.",
        "I think {} lied to us.",
        "{} ruined the evening.",
        "{} is the worst engineer that we have had.",
        "{} said that the meal was at noon.",
        "{} is a nurse.",
        "Yesterday {} took the bus.",
    ),
    common=_pairs("he/she"),
    rare=[],
)

# They are in no dictionary.
MADE_UP = ("Brindal", "Dorvane", "Elkomar", "Feltrin", "Golvenar", "Halqued", "Jorpen", "Mirdok", "Pralune", "Tulmare")

GROUPS = {
    "first names": FIRST_NAMES,
    "nationalities": NATIONALITIES,
    "religions": RELIGIONS,
    "genders": GENDERS,
    "pronouns": PRONOUNS,
}
