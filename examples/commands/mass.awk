# The mean body mass of each species, in the order in which they come.
NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
{
    name = $column["species"]
    if (!(name in count)) order[++species] = name
    count[name]++
    sum[name] += $column["body_mass_g"]
}
END {
    print "species,count,mean_g"
    for (i = 1; i <= species; i++) printf "%s,%d,%.1f\n", order[i], count[order[i]], sum[order[i]] / count[order[i]]
}
