"""Lists of English words that `SentimentTerms` treats alike."""

# spaCy splits "don't" into "do" and "n't".
_NEGATIONS = """
not n't nt never no none nobody nothing nowhere neither nor cannot hardly scarcely barely rarely seldom without lack
lacks lacked lacking ain't aint dont cant wont didnt doesnt isnt wasnt couldnt wouldnt shouldnt havent hasnt arent
werent
"""
NEGATIONS = frozenset(_NEGATIONS.split())
SCOPE_ENDS = frozenset([*".,;:!?()…-–—", *["but", "however", "though", "although", "except", "yet", "because"]])
# What follows them counts for more than what precedes them.
CONTRASTING = frozenset({"but", "however", "yet"})
# The clause they begin counts for less than the rest.
CONCEDING = frozenset({"although", "though", "despite"})

# Words for people. Each group is one term, so that the model learns no sentiment about any of its members.
PEOPLE = (
    "he she him her his hers himself herself",
    "man woman men women guy gal guys girl girls boy boys lady ladies gentleman gentlemen male female males females",
    "mother father mom dad mum mama papa mommy daddy mothers fathers moms dads parent parents",
    "brother sister son daughter brothers sisters sons daughters siblings",
    "husband wife boyfriend girlfriend",
    "uncle aunt nephew niece",
    "grandma grandpa grandmother grandfather",
    "mr mrs ms mr. mrs. ms. sir madam",
    # Nationalities, religions, orientations and colours.
    "american british english scottish welsh irish french german italian spanish portuguese dutch belgian swiss"
    " austrian polish czech slovak hungarian romanian bulgarian serbian croatian greek turkish russian ukrainian"
    " swedish norwegian danish finnish icelandic mexican brazilian argentinian chilean colombian peruvian cuban"
    " canadian"
    " australian nigerian kenyan ghanaian ethiopian somali moroccan algerian tunisian egyptian syrian lebanese iraqi"
    " iranian israeli palestinian saudi afghan indian pakistani bangladeshi chinese japanese korean vietnamese thai"
    " indonesian filipino malaysian taiwanese asian african european arab latino latina hispanic christian christians"
    " muslim muslims jewish jew jews hindu hindus buddhist buddhists catholic catholics protestant protestants sikh"
    " sikhs mormon atheist atheists gay lesbian straight bisexual transgender trans queer heterosexual homosexual"
    " immigrant immigrants refugee refugees black white",
    # First names.
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony andrew"
    " joshua kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen"
    " steven larry scott brandon benjamin samuel gregory alexander patrick jack dennis jerry tyler aaron adam nathan"
    " henry peter kyle noah ethan paul simon oliver harry mary patricia jennifer linda elizabeth barbara susan jessica"
    " sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah"
    " stephanie rebecca laura sharon cynthia kathleen amy angela anna emma nicole samantha katherine christine rachel"
    " olivia hannah julia maria sophie sophia alice jane kate claire darnell jamal tyrone deshawn malik lakisha"
    " tanisha latoya keisha ebony aisha ahmed mohammed muhammad mohamed ali omar hassan ibrahim fatima yusuf layla wei"
    " li mei ming juan carlos josé jose luis miguel sofia lucia raj priya amit sanjay deepa olga ivan dmitri natasha"
    " hans klaus giulia marco pierre kenji yuki hiroshi sven ingrid kofi amara chidi",
)

# The valence that words of an emoji's Unicode name stand for, on VADER's scale.
EMOJI_VALENCES = {
    "angry": -2.3,
    "broken": -1.9,
    "clapping": 2.0,
    "confounded": -1.5,
    "crying": -2.0,
    "disappointed": -2.0,
    "down": -1.5,
    "grinning": 2.0,
    "heart": 2.5,
    "hearts": 2.5,
    "joy": 2.0,
    "kiss": 2.0,
    "nauseated": -2.0,
    "party": 2.0,
    "pensive": -1.5,
    "pouting": -2.3,
    "sleepy": -0.5,
    "smiling": 2.0,
    "sparkles": 1.5,
    "steam": -2.0,
    "throwing": 1.5,
    "tired": -1.5,
    "trophy": 2.0,
    "unamused": -2.0,
    "up": 1.5,
    "vomiting": -2.5,
    "weary": -1.5,
}
# One of these alone decides the valence, whatever the rest of the name.
TELLING_NAMES = ("broken", "joy")
