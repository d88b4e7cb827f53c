/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_catalogue_table.h"

#define PATIENT(name, label) {name, label, GROUP, SL_CDP_KIND_PATIENT, NULL, false}
#define EMAIL(name, label) {name, label, GROUP, SL_CDP_KIND_PATIENT, NULL, true}
#define LOINC(name, label, unit) {name, label, GROUP, SL_CDP_KIND_OBSERVATION, unit, false}
#define LIST(name, label) {name, label, GROUP, SL_CDP_KIND_LIST, NULL, false}

/* Units are those a laboratory of the United States reports; none is converted. */
/* clang-format off */
const sl_cdp_source_t sl_cdp_catalogue_table[] = {
#define GROUP "Demographics"
    PATIENT("id", "Medical record number"),
    PATIENT("fhir-id", "Patient id in the EHR (FHIR)"),
    PATIENT("name-given", "First name"),
    PATIENT("name-middle", "Middle name"),
    PATIENT("name-family", "Last name"),
    PATIENT("name-prefix", "Name prefix (Dr., Mrs.)"),
    PATIENT("name-suffix", "Name suffix (Jr., III)"),
    PATIENT("birthDate", "Date of birth"),
    PATIENT("gender", "Sex (M, F, UNK)"),
    PATIENT("birthsex", "Sex at birth (code)"),
    PATIENT("legal-sex", "Legal sex (code)"),
    PATIENT("race", "Race (first CDC code)"),
    PATIENT("race-all-codes", "Race (all CDC codes)"),
    PATIENT("ethnicity", "Ethnicity (CDC code)"),
    PATIENT("marital-status", "Marital status"),
    PATIENT("preferred-language", "Preferred language"),
    PATIENT("is-deceased", "Deceased (1 yes, 0 no)"),
    PATIENT("deceasedDateTime", "Date and time of death"),
    PATIENT("general-practitioner", "General practitioner"),
    PATIENT("managing-organization", "Managing organization"),
#undef GROUP
#define GROUP "Address and contact"
    PATIENT("address-line", "Street address"),
    PATIENT("address-city", "City"),
    PATIENT("address-district", "County or district"),
    PATIENT("address-state", "State or province"),
    PATIENT("address-postalCode", "Postal code"),
    PATIENT("address-country", "Country"),
    PATIENT("phone-home", "Home phone"),
    PATIENT("phone-home-2", "Home phone, second"),
    PATIENT("phone-home-3", "Home phone, third"),
    PATIENT("phone-mobile", "Mobile phone"),
    PATIENT("phone-mobile-2", "Mobile phone, second"),
    PATIENT("phone-mobile-3", "Mobile phone, third"),
    PATIENT("phone-work", "Work phone"),
    EMAIL("email", "E-mail address"),
    EMAIL("email-2", "E-mail address, second"),
    EMAIL("email-3", "E-mail address, third"),
#undef GROUP
#define GROUP "Vital signs"
    LOINC("8480-6", "Systolic blood pressure", "mm[Hg]"),
    LOINC("8462-4", "Diastolic blood pressure", "mm[Hg]"),
    LOINC("29463-7", "Body weight", "kg"),
    LOINC("8302-2", "Body height", "cm"),
    LOINC("39156-5", "Body mass index (BMI)", "kg/m2"),
    LOINC("9843-4", "Head circumference", "cm"),
    LOINC("8310-5", "Body temperature", "Cel"),
    LOINC("8331-1", "Body temperature, oral", "Cel"),
    LOINC("8867-4", "Heart rate", "/min"),
    LOINC("9279-1", "Respiratory rate", "/min"),
    LOINC("59408-5", "Oxygen saturation, pulse oximetry", "%"),
    LOINC("2708-6", "Oxygen saturation, arterial blood", "%"),
    LOINC("3150-0", "Inhaled oxygen concentration (FiO2)", "%"),
    LOINC("3151-8", "Inhaled oxygen flow", "L/min"),
#undef GROUP
#define GROUP "Social history"
    LOINC("72166-2", "Tobacco smoking status", NULL),
    LOINC("76689-9", "Sex at birth, as observed", NULL),
#undef GROUP
#define GROUP "Laboratory: electrolytes, kidney, glucose"
    LOINC("2951-2", "Sodium, serum or plasma", "mmol/L"),
    LOINC("2947-0", "Sodium, blood", "mmol/L"),
    LOINC("2823-3", "Potassium, serum or plasma", "mmol/L"),
    LOINC("6298-4", "Potassium, blood", "mmol/L"),
    LOINC("2075-0", "Chloride, serum or plasma", "mmol/L"),
    LOINC("2069-3", "Chloride, blood", "mmol/L"),
    LOINC("2028-9", "Carbon dioxide (bicarbonate), serum or plasma", "mmol/L"),
    LOINC("20565-8", "Carbon dioxide (bicarbonate), blood", "mmol/L"),
    LOINC("3094-0", "Urea nitrogen (BUN), serum or plasma", "mg/dL"),
    LOINC("6299-2", "Urea nitrogen (BUN), blood", "mg/dL"),
    LOINC("2160-0", "Creatinine, serum or plasma", "mg/dL"),
    LOINC("38483-4", "Creatinine, blood", "mg/dL"),
    LOINC("33914-3", "Estimated glomerular filtration rate (eGFR), MDRD", "mL/min/{1.73_m2}"),
    LOINC("2345-7", "Glucose, serum or plasma", "mg/dL"),
    LOINC("2339-0", "Glucose, blood", "mg/dL"),
    LOINC("17861-6", "Calcium, serum or plasma", "mg/dL"),
    LOINC("49765-1", "Calcium, blood", "mg/dL"),
    LOINC("2601-3", "Magnesium, serum or plasma", "mmol/L"),
    LOINC("19123-9", "Magnesium, serum or plasma (mass)", "mg/dL"),
    LOINC("2777-1", "Phosphate, serum or plasma", "mg/dL"),
    LOINC("3084-1", "Uric acid, serum or plasma", "mg/dL"),
    LOINC("4548-4", "Hemoglobin A1c", "%"),
    LOINC("2524-7", "Lactate, serum or plasma", "mmol/L"),
#undef GROUP
#define GROUP "Laboratory: blood count, coagulation"
    LOINC("718-7", "Hemoglobin, blood", "g/dL"),
    LOINC("4544-3", "Hematocrit, automated count", "%"),
    LOINC("20570-8", "Hematocrit, blood", "%"),
    LOINC("789-8", "Red blood cells (RBC), automated count", "10*6/uL"),
    LOINC("787-2", "Mean corpuscular volume (MCV)", "fL"),
    LOINC("785-6", "Mean corpuscular hemoglobin (MCH)", "pg"),
    LOINC("786-4", "Mean corpuscular hemoglobin concentration (MCHC)", "g/dL"),
    LOINC("788-0", "Red cell distribution width (RDW)", "%"),
    LOINC("6690-2", "White blood cells (WBC), automated count", "10*3/uL"),
    LOINC("26464-8", "White blood cells (WBC), blood", "10*3/uL"),
    LOINC("751-8", "Neutrophils, automated count", "10*3/uL"),
    LOINC("731-0", "Lymphocytes, automated count", "10*3/uL"),
    LOINC("742-7", "Monocytes, automated count", "10*3/uL"),
    LOINC("711-2", "Eosinophils, automated count", "10*3/uL"),
    LOINC("704-7", "Basophils, automated count", "10*3/uL"),
    LOINC("777-3", "Platelets, automated count", "10*3/uL"),
    LOINC("26515-7", "Platelets, blood", "10*3/uL"),
    LOINC("6301-6", "INR, coagulation assay", "{INR}"),
    LOINC("5902-2", "Prothrombin time (PT)", "s"),
    LOINC("14979-9", "Activated partial thromboplastin time (aPTT)", "s"),
    LOINC("4537-7", "Erythrocyte sedimentation rate (ESR), Westergren", "mm/h"),
#undef GROUP
#define GROUP "Laboratory: liver, lipids, others"
    LOINC("1742-6", "Alanine aminotransferase (ALT), serum or plasma", "U/L"),
    LOINC("1920-8", "Aspartate aminotransferase (AST), serum or plasma", "U/L"),
    LOINC("6768-6", "Alkaline phosphatase, serum or plasma", "U/L"),
    LOINC("2324-2", "Gamma glutamyl transferase (GGT), serum or plasma", "U/L"),
    LOINC("1975-2", "Bilirubin, total, serum or plasma", "mg/dL"),
    LOINC("1968-7", "Bilirubin, direct, serum or plasma", "mg/dL"),
    LOINC("1751-7", "Albumin, serum or plasma", "g/dL"),
    LOINC("2885-2", "Protein, total, serum or plasma", "g/dL"),
    LOINC("2532-0", "Lactate dehydrogenase (LDH), serum or plasma", "U/L"),
    LOINC("2157-6", "Creatine kinase (CK), serum or plasma", "U/L"),
    LOINC("3040-3", "Lipase, serum or plasma", "U/L"),
    LOINC("2093-3", "Cholesterol, total, serum or plasma", "mg/dL"),
    LOINC("2085-9", "HDL cholesterol, serum or plasma", "mg/dL"),
    LOINC("18262-6", "LDL cholesterol, direct assay", "mg/dL"),
    LOINC("13457-7", "LDL cholesterol, calculated", "mg/dL"),
    LOINC("2571-8", "Triglycerides, serum or plasma", "mg/dL"),
    LOINC("1988-5", "C-reactive protein (CRP), serum or plasma", "mg/L"),
    LOINC("2276-4", "Ferritin, serum or plasma", "ng/mL"),
    LOINC("3016-3", "Thyrotropin (TSH), serum or plasma", "m[IU]/L"),
#undef GROUP
#define GROUP "Lists"
    LIST("active-problem-list", "Problem list, active"),
    LIST("inactive-problem-list", "Problem list, inactive"),
    LIST("resolved-problem-list", "Problem list, resolved"),
    LIST("encounter-diagnosis-list", "Diagnoses of encounters"),
    LIST("active-medications-list", "Medications, active"),
    LIST("completed-medications-list", "Medications, completed"),
    LIST("stopped-medications-list", "Medications, stopped"),
    LIST("on-hold-medications-list", "Medications, on hold"),
    LIST("allergy-list", "Allergies"),
    LIST("immunization-list", "Immunizations"),
    LIST("procedure-list", "Procedures"),
    LIST("encounter-list", "Encounters"),
    LIST("document-notes", "Clinical notes"),
#undef GROUP
};
/* clang-format on */

const int sl_cdp_catalogue_size =
    (int)(sizeof(sl_cdp_catalogue_table) / sizeof(*sl_cdp_catalogue_table));
