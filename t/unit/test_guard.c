/* SPDX-License-Identifier: Apache-2.0 */
/* SmartPatientGuard on: paths and parameters of reads. The launch's patient is p1. */
#include "guard.h"

static const char *const passes[] = {
    "GET metadata",
    "GET .well-known/smart-configuration",
    "GET Patient/p1",
    "HEAD Patient/p1",
    "GET Patient/p1/_history",
    "GET Patient/p1/_history/3",
    "GET Patient/p1?_summary=true",
    "GET Patient?_id=p1",
    "GET Patient?_id=p1&_format=json",
    "GET Patient?_ID=p1",
    "GET Patient?%5fid=%70%31",
    "GET Patient?_id=p1,p1",
    "GET Patient?_id=p1&name=x",
    "GET Patient?_id=p1&general-practitioner._id=d1",
    "GET Patient?_id=p1&_include=Patient:general-practitioner",
    "GET Patient?_id=p1&_include=Patient:link:RelatedPerson",
    "GET Patient/p1/Observation",
    "GET Patient/p1/Observation?code=http://loinc.org|4548-4",
    "GET Patient/p1/$everything",
    "GET Patient/p1/$everything?_type=Observation,Condition&_since=2020-01-01",
    "GET Patient/p1/Patient?_id=p1",
    "GET Practitioner/d1/Patient?_id=p1",

    "GET Observation/o1",
    "GET Observation/o1/_history",
    "GET Observation/o1/_history/2",
    "GET Encounter/e1/$everything",
    "GET Observation?code=4548-4",
    "GET Observation",
    "GET Observation?_id=p2",
    "GET Observation?patient=p1",
    "GET Observation?patient=Patient/p1",
    "GET Observation?patient=Patient%2Fp1",
    "GET Observation?patient=Patient/p1/_history/4",
    "GET Observation?patient=" BASE "/Patient/p1",
    "GET Observation?patient=https%3A%2F%2Fehr.example%2Ffhir%2FR4%2FPatient%2Fp1",
    "GET Observation?patient:Patient=p1",
    "GET Observation?patient:patient=Patient/p1",
    "GET Observation?PATIENT=p1",
    "GET Observation?subject=p1",
    "GET Observation?subject=Patient/p1",
    "GET Observation?subject:Patient=p1",
    "GET Observation?subject=p1,Patient/p1",
    "GET Observation?subject=p1&subject=Patient/p1",
    "GET Observation?subject=Device/d1",
    "GET Observation?subject=Device/d1/_history/2",
    "GET Observation?subject=Location/l1,Device/d1",
    "GET Observation?patient=p1&category=laboratory&date=ge2020-01-01&_sort=-date&_count=100",
    "GET Observation?patient=p1&code=http://loinc.org|1,http://loinc.org|2&_total=none",
    "GET Observation?patient=p1&-pageContext=abc&-pageDirection=NextPage",
    "GET Observation?sessionID=17-ABC",
    "GET Observation?_lastUpdated=gt2020-01-01&_summary=count&_elements=code,value",
    "GET Observation?identifier=http://hospital.example/patient/mrn|7",
    "GET Observation?code:in=http://hl7.org/fhir/ValueSet/x",
    "GET Observation?value-quantity=gt5.4||mg",
    "GET Observation?code-value-quantity=1234$gt5",
    "GET Observation?_format=application/fhir+json;fhirVersion=4.0&patient=p1",
    "GET Observation?patient=p1&performer=Practitioner/d1",
    "GET Observation?patient=p1&performer=Practitioner/d1,Patient/p1",
    "GET Observation?patient=p1&performer=" BASE "/Practitioner/d1",
    "GET Observation?patient=p1&performer:Practitioner=d1",
    "GET Observation?performer=p1",
    "GET Observation?performer:missing=true",
    "GET Observation?encounter=e1",
    "GET Observation?encounter=Encounter/e1",
    "GET Observation?encounter.identifier=x|7",
    "GET Observation?encounter.patient=p1",
    "GET Observation?performer:Practitioner.name=smith",
    "GET Observation?encounter.location.name=ward",
    "GET Appointment?actor=Patient/p1&date=ge2020-01-01",
    "GET Coverage?beneficiary=Patient/p1",
    "GET ResearchSubject?individual=Patient/p1",
    "GET Task?owner=Organization/o1",
    "GET Provenance?target=Observation/o1",
    "GET Questionnaire?subject-type=Patient",
    "GET Practitioner?name=smith",
    "GET PractitionerRole?practitioner.name=smith&_include=PractitionerRole:organization",
    "GET MedicationRequest?patient=p1&_include=MedicationRequest:medication",
    "GET MedicationRequest?patient=p1&_include=MedicationRequest:patient",
    "GET MedicationRequest?patient=p1&_include=MedicationRequest:subject:Patient",
    "GET MedicationRequest?patient=p1&_include=MedicationRequest:requester:Practitioner",
    "GET MedicationRequest?patient=p1&_include:iterate=Encounter:location",
    "GET DocumentReference?patient=p1&_include=DocumentReference:author:Practitioner",
    "GET Observation/$lastn?patient=p1&max=3",
    "GET DocumentReference/$docref?patient=p1",
    "GET ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/x",
    "GET $versions",
    "GET ?_getpages=0b5a&_getpagesoffset=20&_count=20&_pretty=true&_bundletype=searchset",
    "GET ?_getpages=0b5a&_include=Observation:subject&_format=json",
};

static const struct {
    const char *line, *id;
} refusals[] = {
    /* paths */
    {"GET Patient/p2", "SL2601"},
    {"HEAD Patient/p2", "SL2601"},
    {"GET Patient/P1", "SL2601"},
    {"GET patient/p2", "SL2601"},
    {"GET PATIENT/p2", "SL2601"},
    {"GET Patient/p1.", "SL2601"},
    {"GET Patient/p1,p2", "SL2601"},
    {"GET Patient/p1|2", "SL2601"},
    {"GET Patient/p2/_history", "SL2601"},
    {"GET Patient/p2/_history/1", "SL2601"},
    {"GET Patient/p2/Observation", "SL2601"},
    {"GET Patient/p2/Observation?patient=p1", "SL2601"},
    {"GET Patient/p2/$everything", "SL2601"},
    {"GET Patient/p1/Observation/o1", "SL2602"},
    {"GET Observation/o1/x/y", "SL2602"},
    {"GET odd1/x", "SL2602"},
    {"GET Patient/$everything", "SL2604"},
    {"GET Patient/$Everything?patient=p1", "SL2604"},
    {"GET Encounter/$everything", "SL2604"},
    {"GET Patient/$match?_id=p1", "SL2604"},
    {"GET Patient/_history", "SL2604"},
    {"GET Observation/_history", "SL2604"},
    {"GET Observation/_history?patient=p1", "SL2604"},
    {"GET _history", "SL2603"},
    {"GET $meta", "SL2603"},
    {"GET $find-patient?name=x", "SL2603"},
    {"GET $export", "SL2605"},
    {"GET Patient/$export", "SL2605"},
    {"GET Patient/p1/$export", "SL2605"},
    {"GET Group/g1/$davinci-data-export", "SL2605"},
    {"GET $graphql?query={PatientList{id}}", "SL2605"},
    {"GET Patient/p1/$graphql", "SL2605"},
    {"GET Patient/p1/$GraphQL", "SL2605"},
    {"GET Group", "SL2605"},
    {"GET Group/g1", "SL2605"},
    {"GET group/g1", "SL2605"},
    {"GET Group?member=Patient/p1", "SL2605"},
    {"GET Patient/p1/Group", "SL2605"},

    /* the whole system */
    {"GET ", "SL2603"},
    {"HEAD ", "SL2603"},
    {"GET ?_type=Observation", "SL2603"},
    {"GET ?_type=Observation&patient=p1", "SL2603"},
    {"GET ?_count=10", "SL2603"},
    {"GET ?_getpages=1&_type=Patient", "SL2603"},
    {"GET ?_getpages=1&name=x", "SL2603"},
    {"GET ?_getpages=1&_count=2;name=x", "SL2603"},
    {"GET _search?patient=p1", "SL2603"},

    /* searches for patients */
    {"GET Patient", "SL2612"},
    {"GET Patient?", "SL2612"},
    {"GET Patient?name=smith", "SL2612"},
    {"GET patient?name=smith", "SL2612"},
    {"GET Patient?identifier=mrn|7", "SL2612"},
    {"GET Patient?id=p1", "SL2612"},
    {"GET Patient?patient=p1", "SL2612"},
    {"GET Patient?general-practitioner=Practitioner/d1", "SL2612"},
    {"GET Patient?link=Patient/p1", "SL2612"},
    {"GET Patient/_search?name=smith", "SL2612"},
    {"GET Patient/p1/Patient", "SL2612"},
    {"GET Practitioner/d1/Patient", "SL2612"},
    {"GET Patient?_id=p2", "SL2606"},
    {"GET Patient?_id=", "SL2606"},
    {"GET Patient?_id", "SL2606"},
    {"GET Patient?_id=p1,p2", "SL2606"},
    {"GET Patient?_id=p1,", "SL2606"},
    {"GET Patient?_id=p1%2Cp2", "SL2606"},
    {"GET Patient?_id=p1\\,p2", "SL2606"},
    {"GET Patient?_id=p1&_id=p2", "SL2606"},
    {"GET Patient?_id=p1&_Id=p2", "SL2606"},
    {"GET Patient?_id=p1&%5Fid=p2", "SL2606"},
    {"GET Patient?_id=p1&_i%64=p2", "SL2606"},
    {"GET Patient?_id=p1;_id=p2", "SL2606"},
    {"GET Patient?_id:not=p1", "SL2606"},
    {"GET Patient?_id:missing=false", "SL2606"},
    {"GET Patient?_id=P1", "SL2606"},
    {"GET Patient?_id=%20p1", "SL2606"},
    {"GET Patient?_id=p1+", "SL2606"},
    {"GET Patient?_id=p%2531", "SL2606"},

    /* patient and subject */
    {"GET Observation?patient=p2", "SL2606"},
    {"GET Observation?patient=", "SL2606"},
    {"GET Observation?patient", "SL2606"},
    {"GET Observation?patient=p1,p2", "SL2606"},
    {"GET Observation?patient=p2,p1", "SL2606"},
    {"GET Observation?patient=p1%2cp2", "SL2606"},
    {"GET Observation?patient=p1\\,p2", "SL2606"},
    {"GET Observation?patient=p1&patient=p2", "SL2606"},
    {"GET Observation?patient=p2&patient=p1", "SL2606"},
    {"GET Observation?patient=p1&Patient=p2", "SL2606"},
    {"GET Observation?p%61tient=p2", "SL2606"},
    {"GET Observation?code=x;patient=p2", "SL2606"},
    {"GET Observation?patient=p1;patient=p2", "SL2606"},
    {"GET Observation?patient=p1;x=1", "SL2606"},
    {"GET Observation?patient=Patient/p2", "SL2606"},
    {"GET Observation?patient=patient/p2", "SL2606"},
    {"GET Observation?patient=patient/p1", "SL2606"},
    {"GET Observation?patient=Patient%2fp2", "SL2606"},
    {"GET Observation?patient=Patient%252Fp1", "SL2606"},
    {"GET Observation?patient=/Patient/p1", "SL2606"},
    {"GET Observation?patient=Patient/p1/", "SL2606"},
    {"GET Observation?patient=Patient/p1/_history/", "SL2606"},
    {"GET Observation?patient=Patient/p1/../p2", "SL2606"},
    {"GET Observation?patient=" BASE "/Patient/p2", "SL2606"},
    {"GET Observation?patient=" BASE "//Patient/p1", "SL2606"},
    {"GET Observation?patient=" BASE "xPatient/p1", "SL2606"},
    {"GET Observation?patient=https://other.example/fhir/R4/Patient/p1", "SL2606"},
    {"GET Observation?patient=https://ehr.example/fhir/R4/Patient/p2", "SL2606"},
    {"GET Observation?patient=http%3A%2F%2Fother%2FPatient%2Fp2", "SL2606"},
    {"GET Observation?patient=urn:uuid:1", "SL2606"},
    {"GET Observation?patient=Device/d1", "SL2606"},
    {"GET Observation?patient:Patient=p2", "SL2606"},
    {"GET Observation?patient:identifier=mrn|7", "SL2606"},
    {"GET Observation?patient:missing=false", "SL2606"},
    {"GET Observation?patient:missing=true", "SL2606"},
    {"GET Observation?patient:not=p1", "SL2606"},
    {"GET Observation?patient:Group=g1", "SL2606"},
    {"GET Observation?patient:exact=p1", "SL2606"},
    {"GET Observation?patient:=p1", "SL2606"},
    {"GET Observation?subject=p2", "SL2606"},
    {"GET Observation?subject=Patient/p2", "SL2606"},
    {"GET Observation?subject=Group/g1", "SL2606"},
    {"GET Observation?subject=Device/d1,Patient/p2", "SL2606"},
    {"GET Observation?subject=Device/d1,p2", "SL2606"},
    {"GET Observation?subject=Patient/p1,Device/d1", "SL2606"},
    {"GET Observation?subject=RelatedPerson/r1", "SL2606"},
    {"GET Observation?subject=Encounter/Patient/p2", "SL2606"},
    {"GET Observation?subject=Device/d1/x", "SL2606"},
    {"GET Observation?subject=Device/d1/_history/1/x", "SL2606"},
    {"GET Observation?subject=Device/d1/_history/", "SL2606"},
    {"GET Observation?subject=Device/x+Device/d1", "SL2606"},
    {"GET Observation?subject=Device/", "SL2606"},
    {"GET Observation?performer=Practitioner/d1/Practitioner/d2", "SL2607"},
    {"GET Observation?performer=practitioner/d1", "SL2607"},
    {"GET Observation?performer=Practitioner/d1?x", "SL2607"},
    {"GET Observation?performer=Practitioner/d1%20", "SL2607"},
    {"GET Observation?subject:Patient=p2", "SL2606"},
    {"GET Observation?subject:Patient=Device/d1", "SL2606"},
    {"GET Observation?subject:Device=p2", "SL2606"},
    {"GET Observation?subject:identifier=http://x|7", "SL2606"},
    {"GET Observation?subject:missing=true", "SL2606"},
    {"GET Observation?subject:not=Patient/p1", "SL2606"},
    {"GET Observation?SUBJECT=p2", "SL2606"},
    {"GET Observation?patientId=p2", "SL2606"},
    {"GET Observation?patient-id=p2", "SL2606"},
    {"GET Observation?research-patient=p2", "SL2606"},
    {"GET Observation?a-name-that-is-longer-than-any-in-the-lists-of-Patient=p2", "SL2606"},
    {"GET Patient/p1/Observation?patient=p2", "SL2606"},
    {"GET Patient/p1/$everything?patient=p2", "SL2606"},
    {"GET Practitioner/d1/Observation?subject=Patient/p2", "SL2606"},
    {"GET Observation/$lastn?subject=Patient/p2", "SL2606"},
    {"GET Measure/m/$evaluate-measure?subject=p2", "SL2606"},
    {"GET Observation/o1?patient=p2", "SL2606"},

    /* names that a server may read as something else */
    {"GET Observation?patient[]=p1", "SL2611"},
    {"GET Observation?patient%5B0%5D=p2", "SL2611"},
    {"GET Observation?%20patient=p2", "SL2611"},
    {"GET Observation?patient%20=p2", "SL2611"},
    {"GET Observation?.patient=p2", "SL2611"},
    {"GET Observation?[patient=p2", "SL2611"},
    {"GET Observation?p%2561tient=p2", "SL2611"},
    {"GET Observation?pati%00ent=p2", "SL2611"},
    {"GET Observation?patient%0a=p2", "SL2611"},
    {"GET Observation?%70%C3%A4tient=p2", "SL2611"},
    {"GET Observation?=p2", "SL2611"},
    {"GET Observation?code=%ZZ", "SL2611"},
    {"GET Observation?code=%ff", "SL2611"},
    {"GET Observation?code=x#&patient=p1", "SL2611"},

    /* other ways to name a patient */
    {"GET Appointment?actor=Patient/p2", "SL2606"},
    {"GET Appointment?actor=patient/p2", "SL2606"},
    {"GET Appointment?actor=p2", "SL2607"},
    {"GET Appointment?actor=Practitioner/d1,p2", "SL2607"},
    {"GET Appointment?actor:Patient=p2", "SL2606"},
    {"GET Appointment?actor:Group=g1", "SL2607"},
    {"GET Appointment?actor:identifier=x|1", "SL2607"},
    {"GET Appointment?actor:not=Patient/p1", "SL2607"},
    {"GET Appointment?patient=p1&actor=Patient/p2", "SL2606"},
    {"GET Coverage?beneficiary=Patient/p2", "SL2606"},
    {"GET Coverage?beneficiary=p2", "SL2607"},
    {"GET Coverage?subscriber=Patient/p2", "SL2606"},
    {"GET Coverage?policy-holder=p2", "SL2607"},
    {"GET Communication?recipient=Patient/p2", "SL2606"},
    {"GET Communication?sender=p2", "SL2607"},
    {"GET List?item=Patient/p2", "SL2606"},
    {"GET ResearchSubject?individual=p2", "SL2607"},
    {"GET Observation?performer=Patient/p2", "SL2606"},
    {"GET Observation?performer=p2", "SL2607"},
    {"GET Observation?performer:Practitioner=Patient/p2", "SL2606"},
    {"GET Observation?performer=https://other.example/Patient/9", "SL2606"},
    {"GET Observation?focus=Patient/p2", "SL2606"},
    {"GET QuestionnaireResponse?source=Patient/p2", "SL2606"},
    {"GET QuestionnaireResponse?author=p2", "SL2607"},
    {"GET Provenance?target=Patient/p2", "SL2606"},
    {"GET Provenance?target=p2", "SL2607"},
    {"GET AuditEvent?entity=Patient/p2", "SL2606"},
    {"GET AuditEvent?agent=p2", "SL2607"},
    {"GET Composition?entry=Patient/p2", "SL2606"},
    {"GET Consent?data=Patient/p2", "SL2606"},
    {"GET CareTeam?participant=Patient/p2", "SL2606"},
    {"GET Person?link=Patient/p2", "SL2606"},
    {"GET Task?requester=Patient/p2", "SL2606"},
    {"GET Observation?encounter:Patient=p2", "SL2606"},
    {"GET Observation?custom=Patient/p2", "SL2606"},
    {"GET Observation?custom=x,Patient/p2", "SL2607"},
    {"GET Observation?custom=a$Patient/p2", "SL2606"},
    {"GET Observation?custom=Group/g1", "SL2606"},
    {"GET Observation?custom:Patient=p2", "SL2606"},
    {"GET Observation?code:Patient=p2", "SL2606"},
    {"GET Patient?_id=p1&link=Patient/p2", "SL2606"},

    /* what reaches further */
    {"GET Observation?patient.name=smith", "SL2608"},
    {"GET Observation?patient._id=p2", "SL2608"},
    {"GET Observation?patient.identifier=mrn|7", "SL2608"},
    {"GET Observation?subject.name=smith", "SL2608"},
    {"GET Observation?subject:Patient.name=smith", "SL2608"},
    {"GET Observation?subject:Patient.identifier=mrn|7", "SL2608"},
    {"GET Observation?subject:patient.name=smith", "SL2608"},
    {"GET Observation?subject:Encounter.patient=p1", "SL2608"},
    {"GET Observation?encounter.patient=p2", "SL2606"},
    {"GET Observation?encounter.subject.name=smith", "SL2608"},
    {"GET Observation?encounter.subject:Patient.name=smith", "SL2608"},
    {"GET Observation?performer.name=smith", "SL2608"},
    {"GET Observation?performer:Patient.name=smith", "SL2608"},
    {"GET Observation?focus:Observation.patient=p1", "SL2608"},
    {"GET Observation?custom.name=smith", "SL2608"},
    {"GET Observation?custom:Patient.name=smith", "SL2608"},
    {"GET Observation?custom:Group.name=smith", "SL2608"},
    {"GET Observation?patient..name=smith", "SL2608"},
    {"GET Observation?patient.=p2", "SL2608"},
    {"GET Bundle?composition.patient=p1", "SL2608"},
    {"GET Patient?_id=p1&_has:Observation:patient:code=1", "SL2609"},
    {"GET Practitioner?_has:Observation:performer:patient=p2", "SL2609"},
    {"GET Observation?_HAS:Encounter:x:y=1", "SL2609"},
    {"GET Observation?%5fhas:Provenance:target:patient=p1", "SL2609"},
    {"GET Observation?_has=1", "SL2609"},
    {"GET Observation?patient=p1&_filter=subject+eq+Patient/p2", "SL2609"},
    {"GET Observation?_filter=code+eq+1", "SL2609"},
    {"GET Observation?_query=everything", "SL2609"},
    {"GET Observation?_list=42", "SL2609"},
    {"GET Observation?_list=$current-problems&patient=p1", "SL2609"},
    {"GET Observation?_in=Group/g1", "SL2609"},
    {"GET Observation?_method=DELETE", "SL2609"},
    {"GET Observation?patient=p1&_revinclude=Provenance:target", "SL2609"},
    {"GET Patient?_id=p1&_revinclude=Observation:subject", "SL2609"},
    {"GET Patient?_id=p1&_revinclude:iterate=Observation:encounter", "SL2609"},
    {"GET Patient?_id=p1&_RevInclude=Group:member", "SL2609"},
    {"GET Observation?_include=Observation:subject", "SL2610"},
    {"GET Observation?code=1;_include=Observation:subject", "SL2610"},
    {"GET Observation?code=1;patient=p1;_include=Observation:subject", "SL2610"},
    {"GET Observation?code=1&_include=Observation:patient", "SL2610"},
    {"GET Observation?code=1&_include=Observation:subject:Patient", "SL2610"},
    {"GET Observation?performer=Patient/p1&_include=Observation:subject", "SL2610"},
    {"GET Patient/p1/Observation?_include=Observation:subject", "SL2610"},
    {"GET Observation?patient=p1&_include:iterate=Observation:subject", "SL2610"},
    {"GET Observation?patient=p1&_include:recurse=Encounter:patient", "SL2610"},
    {"GET Observation?patient=p1&_include=*", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:*", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation.subject", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:performer", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:performer:Patient", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:focus", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:encounter,Observation:performer", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:performer:Group", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:performer:Practitioner:x", "SL2610"},
    {"GET Patient?_id=p1&_include=Patient:link", "SL2610"},
    {"GET Patient?_id=p1&_include=Patient:link:Patient", "SL2610"},
    {"GET Appointment?actor=Patient/p1&_include=Appointment:actor", "SL2610"},
    {"GET Observation?patient=p1&_include=Observation:custom", "SL2610"},
};

/* Each may point to a patient: by an id alone, to another than ours. */
static const char *const maybes[] = {
    "actor",         "agent",
    "asserter",      "assessor",
    "attester",      "author",
    "beneficiary",   "candidate",
    "collector",     "consentor",
    "controller",    "data",
    "enterer",       "entity",
    "entry",         "evaluated-resource",
    "focus",         "for",
    "grantee",       "grantor",
    "implicated",    "individual",
    "informant",     "intended-performer",
    "item",          "link",
    "member",        "on-behalf-of",
    "operator",      "orderer",
    "owner",         "participant",
    "party",         "party-reference",
    "payee",         "payor",
    "performer",     "performer-actor",
    "policy-holder", "receiver",
    "recipient",     "recorder",
    "related",       "related-ref",
    "reporter",      "requester",
    "requestor",     "sender",
    "signer",        "source",
    "submitter",     "subscriber",
    "supplier",      "target",
    "wearer",        "what",
    "who",           "witness",
};

/* The id that a request names, for the audit; also where nobody is guarded. */
static const struct {
    const char *line, *asked;
} asked[] = {
    {"GET Patient/p1", "p1"},
    {"GET Patient/p2", "p2"},
    {"GET patient/p2/Observation", "p2"},
    {"GET Patient?_id=p2", "p2"},
    {"GET Patient?_id=p1,p2", "p1"},
    {"GET Observation?patient=p2", "p2"},
    {"GET Observation?code=1&patient=Patient/p2", "p2"},
    {"GET Observation?subject:Patient=p2", "p2"},
    {"GET Observation?subject=" BASE "/Patient/p2", "p2"},
    {"GET Observation?subject=https://other.example/Patient/x.9-Z", "x.9-Z"},
    {"GET Appointment?actor=Patient/p2", "p2"},
    {"GET Observation?performer=d1", NULL},
    {"GET Observation?patient=no+id", NULL},
    {"GET Observation?subject=Group/g1", NULL},
    {"GET Observation?subject=Device/d1", NULL},
    {"GET Observation?code=1", NULL},
    {"GET Observation/p2", NULL},
};

static void check_asked(apr_pool_t *p)
{
    static const sl_guard_mode_t modes[] = {SL_GUARD_ON, SL_GUARD_STRICT, SL_GUARD_OFF};

    for (int m = 0; m < COUNT_OF(modes); m++) {
        for (int i = 0; i < COUNT_OF(asked); i++) {
            guard_ask_t ask = {asked[i].line, NULL, NULL};
            sl_guard_verdict_t verdict = {NULL, true};
            sl_err_t err;
            sl_rc_t rc = guard_ask(&verdict, modes[m], &ask, p, &err);

            is_str(verdict.asked_patient, asked[i].asked,
                   apr_psprintf(p, "who is asked for: %s", asked[i].line));
            if (modes[m] == SL_GUARD_OFF) {
                ok(rc == SL_OK && !verdict.check_answer, "off lets it pass");
            }
        }
    }
}

/* A launch without a patient, and what is not asked of a guard that is off. */
static void check_nobody(apr_pool_t *p)
{
    sl_fhir_request_t request;
    sl_guard_input_t input = {.mode = SL_GUARD_STRICT, .base = BASE, .request = &request};
    sl_guard_verdict_t verdict;
    sl_err_t err;

    is_int(sl_fhir_request_parse(&request, "POST", "/Patient/_search", p, &err), SL_OK, "a search");
    input.has_body = true;
    ok(!sl_guard_wants_body(&input), "a launch without patient: no body is wanted");
    is_int(sl_guard_check(&verdict, &input, p, &err), SL_OK, "…and it passes");
    ok(!verdict.check_answer, "…with its answer");
    input.patient = "p1";
    ok(sl_guard_wants_body(&input), "with a patient the body is wanted");
    input.mode = SL_GUARD_OFF;
    ok(!sl_guard_wants_body(&input), "not when the guard is off");
    input.mode = SL_GUARD_UNSET;
    ok(sl_guard_wants_body(&input), "unset is on");
    input.has_body = false;
    ok(!sl_guard_wants_body(&input), "none is wanted where there is none");
    input.patient = "";
    input.query = "_id=";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2606", SL_DENIED,
           "an empty patient is nobody's pass");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    for (int i = 0; i < COUNT_OF(passes); i++) {
        guard_ask_t ask = {passes[i], NULL, NULL};

        guard_row(SL_GUARD_ON, &ask, NULL, p);
    }
    for (int i = 0; i < COUNT_OF(refusals); i++) {
        guard_ask_t ask = {refusals[i].line, NULL, NULL};

        guard_row(i % 2 == 0 ? SL_GUARD_ON : SL_GUARD_UNSET, &ask, refusals[i].id, p);
        guard_row(SL_GUARD_STRICT, &ask, refusals[i].id, p);
        guard_row(SL_GUARD_OFF, &ask, NULL, p);
    }
    for (int i = 0; i < COUNT_OF(maybes); i++) {
        guard_ask_t ask = {apr_psprintf(p, "GET Basic?%s=p2", maybes[i]), NULL, NULL};

        guard_row(SL_GUARD_ON, &ask, "SL2607", p);
    }
    check_asked(p);
    check_nobody(p);
    rule_release(p);
    return tap_done();
}
