"""Turn the text of a YAML or JSON file into plain values, with the place of each field at hand.

reader    text -> plain documents and problems: the door of this room
scalars   plain scalars -> values, as kubectl understands them
marks     text -> where each field stands, made only when somebody asks
syntax    bytes -> text, and the parser's complaints -> sentences
limits    how much one file may hold or blow up to
events    ruamel.yaml's C parser, loaded without the rest of ruamel.yaml
thorough  what that refuses though it is YAML, by the pure parser
"""
