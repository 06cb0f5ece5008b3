# syscall_table.awk - the names between the quotes of syscall_groups.def as rows of a table, sorted: name, and the
# number it has on the processor this is built for (-1 where the headers know none).
/^ *"/ || /^GROUP/ {
        line = $0
        if (line ~ /^GROUP/)
                next
        gsub(/["),]/, " ", line)
        n = split(line, words, " ")
        for (i = 1; i <= n; i++)
                if (words[i] !~ /^@/)
                        seen[words[i]] = 1
}
END {
        for (name in seen)
                names[++count] = name
        for (i = 2; i <= count; i++) { # few enough for the simplest sort
                key = names[i]
                for (j = i - 1; j > 0 && names[j] > key; j--)
                        names[j + 1] = names[j]
                names[j + 1] = key
        }
        print "/* Made from syscall_groups.def by syscall_table.awk. */"
        for (i = 1; i <= count; i++)
                printf "#ifdef __NR_%s\n{ \"%s\", __NR_%s },\n#else\n{ \"%s\", -1 },\n#endif\n", names[i], names[i], names[i], names[i]
}
