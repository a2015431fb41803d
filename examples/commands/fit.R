# Rscript fit.R PENGUINS.csv MODEL.csv --species NAME: body mass by the length of the flippers.
arguments <- commandArgs(trailingOnly = TRUE)
penguins <- read.csv(arguments[1])
chosen <- penguins[penguins$species == arguments[4], ]
if (nrow(chosen) == 0) stop("there are no penguins of the species ", arguments[4])
fitted <- lm(body_mass_g ~ flipper_length_mm, data = chosen)
message("fitted to ", nrow(chosen), " penguins")
write.csv(
  data.frame(term = names(coef(fitted)), value = unname(coef(fitted))),
  arguments[2],
  row.names = FALSE
)
