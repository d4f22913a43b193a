-- CreateTable
CREATE TABLE "clients" (
    "id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "clients_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payers" (
    "id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "payers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reps" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "reps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payer_client_rep_assignments" (
    "id" TEXT NOT NULL,
    "payer_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "rep_id" TEXT NOT NULL,
    "valid_from" DATE NOT NULL,
    "valid_to" DATE,

    CONSTRAINT "payer_client_rep_assignments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sales_report_entries" (
    "id" TEXT NOT NULL,
    "payer_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "month" DATE NOT NULL,
    "units" INTEGER NOT NULL,
    "amount" DECIMAL(14,2) NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sales_report_entries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "clients_code_key" ON "clients"("code");

-- CreateIndex
CREATE UNIQUE INDEX "payers_code_key" ON "payers"("code");

-- CreateIndex
CREATE UNIQUE INDEX "reps_email_key" ON "reps"("email");

-- CreateIndex
CREATE INDEX "payer_client_rep_assignments_rep_id_idx" ON "payer_client_rep_assignments"("rep_id");

-- CreateIndex
CREATE UNIQUE INDEX "payer_client_rep_assignments_payer_id_client_id_valid_from_key" ON "payer_client_rep_assignments"("payer_id", "client_id", "valid_from");

-- CreateIndex
CREATE INDEX "sales_report_entries_month_idx" ON "sales_report_entries"("month");

-- CreateIndex
CREATE UNIQUE INDEX "sales_report_entries_payer_id_client_id_month_key" ON "sales_report_entries"("payer_id", "client_id", "month");

-- AddForeignKey
ALTER TABLE "payer_client_rep_assignments" ADD CONSTRAINT "payer_client_rep_assignments_payer_id_fkey" FOREIGN KEY ("payer_id") REFERENCES "payers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payer_client_rep_assignments" ADD CONSTRAINT "payer_client_rep_assignments_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payer_client_rep_assignments" ADD CONSTRAINT "payer_client_rep_assignments_rep_id_fkey" FOREIGN KEY ("rep_id") REFERENCES "reps"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sales_report_entries" ADD CONSTRAINT "sales_report_entries_payer_id_fkey" FOREIGN KEY ("payer_id") REFERENCES "payers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sales_report_entries" ADD CONSTRAINT "sales_report_entries_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- The view is written by hand: Prisma reads views, but does not create them.
CREATE VIEW "sales_report_view" AS
SELECT
    e."id" AS "entry_id",
    e."month",
    p."name" AS "payer_name",
    c."name" AS "client_name",
    r."name" AS "rep_name",
    e."units",
    e."amount"
FROM "sales_report_entries" e
JOIN "payers" p ON p."id" = e."payer_id"
JOIN "clients" c ON c."id" = e."client_id"
LEFT JOIN "payer_client_rep_assignments" a
    ON a."payer_id" = e."payer_id"
    AND a."client_id" = e."client_id"
    AND e."month" >= a."valid_from"
    AND (a."valid_to" IS NULL OR e."month" < a."valid_to")
LEFT JOIN "reps" r ON r."id" = a."rep_id";
