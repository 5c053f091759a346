/* What a dose does to a bed of powder: two models of one batch, computed from plain numbers (PROCESS.md, section 4).
 *
 * Both take first-order irreversible adsorption. `mixed`: the gas is the same everywhere in the bed, so some leaves unused
 * from the first moment: the cautious model. `plug`: gas passes through powder that tumbles, so the last powder on its way
 * takes what the first let through. A real rotary bed lies between them while a pulse covers turns of the bed, and below
 * both while it covers a small part of one.
 *
 * Two numbers say everything: `da`, the Damkoehler number (how much faster an empty bed takes precursor than gas carries
 * it away), and `tau`, what was delivered as a part of what the bed takes. */
#ifndef ALD_SIM_BED_H
#define ALD_SIM_BED_H

/* First-order sticking probability: in the middle of what is published for powder beds (PROCESS.md: 1e-3 gives a
 * Damkoehler number of 29-76 at 1 m2, supply limited). */
#define BED_STICKING 1e-3
/* The coverage that counts as saturated here. The last percents take the longest and coat the least. */
#define BED_SATURATED 0.95

struct bed {
        double area_m2;
        double sites_umol_m2; /* what a whole half-cycle takes */
        double flow_sccm;     /* of all gas through the bed */
        double chamber_torr;
        double vapour_torr; /* partial pressure of the precursor in what enters */
        double degc;
        double molar_mass; /* g/mol */
};

/* Mean thermal speed in m/s: sqrt(8 R T / (pi M)). */
double bed_speed(double degc, double molar_mass);

/* Da = S v beta / 4 F with the flow as it is in the bed (sccm are counted at 760 Torr and 0 degC). 0 without powder;
 * INFINITY without flow: what enters stays until the powder takes it. */
double bed_damkoehler(const struct bed *bed);
/* t0: after so many seconds as much has entered as the bed takes. INFINITY without precursor or flow. */
double bed_fill_s(const struct bed *bed);
/* t_k: time constant of a surface under the entering gas, were there enough of it for all. INFINITY without precursor. */
double bed_surface_s(const struct bed *bed);

/* Coverage (0-1) of a bed that was bare, after `tau` >= 0 of what it takes. `da` >= 0, INFINITY allowed. */
double bed_coverage_mixed(double da, double tau);
double bed_coverage_plug(double da, double tau);
/* The part of the entering precursor that leaves unused at a coverage of 0-1. */
double bed_outlet_mixed(double da, double coverage);
double bed_outlet_plug(double da, double coverage);
/* The other way round: tau for a coverage of 0 <= coverage < 1. INFINITY when da is 0 and coverage is not. */
double bed_tau_mixed(double da, double coverage);
double bed_tau_plug(double da, double coverage);

#endif
