"""The words that names, places and titles are put together from."""

FIRST_NAMES = """Ada Alice Amir Andre Anna Ben Bruno Carla Cara Chen Clara Dana David Dora Elena Eli Emma Erik Esther Farid
Felix Fiona Frank Gina Grace Hana Henry Hugo Ida Igor Ines Ivan Jack Jana Joan Jonas Julia Kai Karen Kofi Lara Laura Leo Lina
Lucas Luis Maria Mark Maya Milan Mina Nadia Nina Noah Nora Olga Omar Oscar Otto Paul Petra Rana Rosa Ruth Sami Sara Sofia
Tara Theo Tina Tom Uma Vera Victor Wanda Willa Xavier Yara Yusuf Zoe""".split()

LAST_NAMES = """Abbott Adler Alvarez Baker Barros Becker Bell Bishop Blake Brandt Castro Chang Clark Cole Cooper Cruz Dalton Diaz
Dixon Doyle Duarte Ellis Evans Farrell Fischer Flores Foster Fox Garcia Gibson Gomez Grant Gray Hale Hansen Harper Hayes Hill
Holt Hughes Ibarra Iqbal Jensen Jordan Kaya Keller Kim Klein Lamb Lang Larsen Lee Lopez Marsh Mason Meyer Miles Moreno Morris
Nash Nguyen Nolan Novak Ortiz Owens Park Patel Perez Pierce Quinn Ramos Reed Reyes Rossi Rowe Russo Sanders Sato Shaw Silva
Singh Stone Suzuki Tanaka Torres Turner Vance Vega Wagner Walsh Ward Webb Weiss West Wolf Wood Yates York Young Ziegler""".split()

STREETS = """Maple Oak Cedar Elm Pine Walnut Chestnut Spruce Willow Birch Lake Hill River Park Church Main High Mill Spring
Garden Franklin Lincoln Jefferson Madison Monroe Jackson Harbor Orchard Sunset Prospect""".split()

STREET_KINDS = ["Street", "Avenue", "Road", "Lane", "Drive", "Court"]

CITIES = [
    ("New York", "New York", "NY", "100"),
    ("Buffalo", "New York", "NY", "142"),
    ("Albany", "New York", "NY", "122"),
    ("Philadelphia", "Pennsylvania", "PA", "191"),
    ("Pittsburgh", "Pennsylvania", "PA", "152"),
    ("Fort Washington", "Pennsylvania", "PA", "190"),
    ("Boston", "Massachusetts", "MA", "021"),
    ("Providence", "Rhode Island", "RI", "029"),
    ("Hartford", "Connecticut", "CT", "061"),
    ("Newark", "New Jersey", "NJ", "071"),
    ("Baltimore", "Maryland", "MD", "212"),
    ("Washington", "District of Columbia", "DC", "200"),
    ("Richmond", "Virginia", "VA", "232"),
    ("Charlotte", "North Carolina", "NC", "282"),
    ("Atlanta", "Georgia", "GA", "303"),
    ("Miami", "Florida", "FL", "331"),
    ("Tampa", "Florida", "FL", "336"),
    ("Nashville", "Tennessee", "TN", "372"),
    ("Cleveland", "Ohio", "OH", "441"),
    ("Columbus", "Ohio", "OH", "432"),
    ("Detroit", "Michigan", "MI", "482"),
    ("Chicago", "Illinois", "IL", "606"),
    ("Milwaukee", "Wisconsin", "WI", "532"),
    ("Minneapolis", "Minnesota", "MN", "554"),
    ("Saint Louis", "Missouri", "MO", "631"),
    ("New Orleans", "Louisiana", "LA", "701"),
    ("Houston", "Texas", "TX", "770"),
    ("Austin", "Texas", "TX", "787"),
    ("Dallas", "Texas", "TX", "752"),
    ("Denver", "Colorado", "CO", "802"),
    ("Phoenix", "Arizona", "AZ", "850"),
    ("Albuquerque", "New Mexico", "NM", "871"),
    ("Salt Lake City", "Utah", "UT", "841"),
    ("Las Vegas", "Nevada", "NV", "891"),
    ("Los Angeles", "California", "CA", "900"),
    ("San Diego", "California", "CA", "921"),
    ("San Francisco", "California", "CA", "941"),
    ("Portland", "Oregon", "OR", "972"),
    ("Seattle", "Washington", "WA", "981"),
    ("Anchorage", "Alaska", "AK", "995"),
]

TITLE_FIRST = """Quiet Electric Golden Midnight Paper Silver Wild Hollow Crystal Distant Velvet Broken Lunar Crimson Northern
Hidden Restless Gentle Burning Frozen Early Second Open Secret Slow""".split()

TITLE_SECOND = """Rivers Letters Machines Gardens Horizons Stories Engines Mornings Shadows Signals Seasons Mirrors Highways
Islands Voices Lanterns Sparrows Harbors Echoes Orchards""".split()

GENRES = ["Rock", "Pop", "Jazz", "Classical", "Country", "Electronic", "Folk", "Soul"]

LABELS = ["Lighthouse Records", "Tidewater Music", "Kite & Anchor", "Blue Jetty", "Slipway Sound"]

CARDS = [
    ("visa", "4242"),
    ("visa", "1881"),
    ("mastercard", "4444"),
    ("mastercard", "8210"),
    ("amex", "0005"),
    ("discover", "1117"),
]
