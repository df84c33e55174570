"""The word lists behind the English questions."""

from __future__ import annotations

# Headings that name a part of any text rather than a subject.
GENERIC_TITLES = frozenset(
    title.strip()
    for title in """
    introduction|intro|summary|conclusion|conclusions|notes|note|overview|recap|background|details|
    example|examples|references|reference|see also|further reading|table of contents|contents|faq|
    about|appendix|usage|getting started|next steps|what's next|exercises|discussions|discussion|
    acknowledgments|acknowledgements|changelog|license|links|resources|tip|tips|warning|warnings|info|
    check it|technical details|more info|more information|motivation|results|related work|features|
    requirements|prerequisites|installation|upgrade|fixes|docs|internal|translations|refactors|
    breaking changes|security|configuration|options|abstract|todo|misc|other|general|basics|preface|
    glossary|index|home|readme|step 1|step 2|test it|run it|try it|what is printed|the dataset|
    commands|parameters|returns|arguments|description|tutorial|benefits|how it works|how to use it|
    use it|conclusion and next steps
    """.split("|")
)

# Verbs that open a heading as an order: "Create a task function" asks how to do so ...
ORDERS = frozenset(
    """add adjust apply assign attach avoid build call change check choose clone combine compare compute
    configure connect convert copy create customize debug declare define delete deploy describe disable
    download enable encrypt evaluate exclude export extend extract fetch find fix generate get handle
    hide import include inherit initialize inject inspect install integrate join launch load make manage
    merge migrate modify mount move override overwrite parse pass perform prepare prevent process
    publish put raise read receive refactor register remove rename replace restart retrieve return reuse
    run save secure select send serve set share show specify split start stop store submit switch test
    train transform understand update upgrade use validate verify view visualize work write""".split()
)

# ... where one of these comes next, ...
AFTER_ORDER = frozenset(
    """a all an any it more multiple new our the them these this those with your""".split()
)

# ... or, for these, which are no nouns, anything but ...
CLEAR_ORDERS = frozenset(
    """add avoid choose configure create customize declare define delete deploy disable enable exclude
    generate import include inherit install migrate modify override overwrite raise remove rename
    replace run specify start train understand update use validate write""".split()
)

# ... these.
NO_OBJECT = frozenset(
    """and as case cases error errors file files in is key of only or out statement time to""".split()
)

# No term is one of these.
PRONOUNS = frozenset(
    """all also another any anything both each every everything few finally first he here however i it last
    many most next none note nothing now one other others second she so some something such that then
    there therefore these they third this those we what which who you""".split()
)

# Nouns that stand for something said before: "The result is a list" defines nothing.
HOLLOW = frozenset(
    """above advantage advantages alternative answer answers approach author authors beginning below
    benefit benefits best case cases challenge chapter choice code common content contents default
    default-value difference disadvantage documentation easiest effect end example examples fact figure
    file first-parameter fix following former function goal goals good idea ideas important input issue
    key latter left line lines main method name names number only option options output parameter part
    parts people point points previous problem problems purpose question questions reason reasons rest
    result results return right same section simplest solution solutions step steps table task text
    thing things time total trick tutorial type types user users value values way ways""".split()
)

# What opens a clause, and nouns that only announce a name: "The variable x is a list".
OPENERS = frozenset(
    """actual although argument attribute because besides class corresponding current despite entire field
    function given instead like method package parameter respective resulting since though underlying
    unless unlike until using variable whereas while whole""".split()
)

# Words without a subject: a question is none the better for them.
WEAK = frozenset(
    """mind fact able above across
    actually additional along already also although always among another anything
    armed around became become becomes begin below besides best better bit case cases chapter come comes
    could did different doing done e.g etc even every everything example first following get gets give
    given gives go going good happen happens hence however i.e indeed instead keep kind know last later
    least left less let lets like little ll lot made make makes many maybe mean means mentioned might
    moreover much need needs never nevertheless new next nonetheless note nothing often one ones onto
    per perhaps plus previous probably put really remain remember right said same say says second
    section see seem seems set shown simply since someone something sort start still take takes tell
    therefore thing things though three thus toward towards tries try trying two unless unlike upon use
    used uses using usually versus via want wanted wants way ways well whatever whenever wherever
    whether whichever within without would yes yet""".split()
)

# Words in -ly that are no adverbs.
NO_ADVERBS = frozenset(
    """anomaly apply assembly daily early family multiply poly read-only rely reply supply""".split()
)
