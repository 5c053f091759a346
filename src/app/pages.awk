# The manual pages whose lists stand in a table elsewhere: a line `.\" @PART` becomes what `aldctl mdoc PART` prints, a line
# `.\" @keys NAME` what the comment of a header says of the keys of NAME (include/ald/control/report*.h).
#     awk -v aldctl=build/aldctl -v headers="include/ald/control/report.h ..." -f pages.awk PAGE

# Text of a comment; a row must not begin as a request does, and each sentence begins one.
function put(text) {
        while (match(text, /[.?] [A-Z]/)) {
                print substr(text, 1, RSTART)
                text = substr(text, RSTART + 2)
        }
        if (text ~ /^[.']/) text = "\\&" text
        if (text != "") print text
}

function item(names, text) {
        print ".It Ic " names
        put(text)
}

function flush_item(    i, n, part, name) {
        if (names == "") return
        if (!gap && text !~ /\(/) text = "" # names and nothing else
        if (gap || text == "") { gsub(/, /, " , ", names); item(names, text) }
        else { # "is_exposing (why), is_vented (why)"
                n = split(text, part, /, is_/)
                for (i = 1; i <= n; i++) {
                        name = (i > 1 ? "is_" : "") part[i]
                        text = name
                        sub(/ .*/, "", name)
                        sub(/^[^ ]* ?/, "", text)
                        gsub(/^\(|\)$/, "", text)
                        item(name, text)
                }
        }
        names = text = ""
}

function keys(of,    file, line, inside, found, n, i, list) {
        n = split(headers, list, " ")
        found = 0
        print ".Bl -tag -width Ds -compact"
        for (i = 1; i <= n; i++) {
                file = list[i]
                inside = 0
                while ((getline line < file) > 0) {
                        if (line ~ /^ \* [a-z]+( .*)?$/) { # " * status" begins what follows
                                flush_item()
                                inside = line ~ ("^ \\* " of "( |$)") && !(of in done)
                                if (inside) found = 1
                                continue
                        }
                        if (line !~ /^ \*   /) { flush_item(); inside = 0; continue }
                        if (!inside) continue
                        last = line ~ /\*\/$/
                        sub(/ *\*\/$/, "", line)
                        sub(/^ \*   /, "", line)
                        if (line ~ /^ /) { sub(/^ +/, "", line); text = text " " line }
                        else {
                                flush_item()
                                gap = match(line, /  +/)
                                names = gap ? substr(line, 1, RSTART - 1) : line
                                text = gap ? substr(line, RSTART + RLENGTH) : line
                        }
                        if (last) { flush_item(); inside = 0 }
                }
                flush_item()
                close(file)
        }
        print ".El"
        if (!found) { print "no keys of " of " in " headers > "/dev/stderr"; bad = 1 }
}

/^\.\\" @keys / { keys($3); next }
/^\.\\" @/ {
        part = substr($2, 2)
        lines = 0
        command = aldctl " mdoc " part
        while ((command | getline row) > 0) { print row; lines++ }
        close(command)
        if (lines == 0) { print command " says nothing" > "/dev/stderr"; bad = 1 }
        next
}
{ print }
END { exit bad }
