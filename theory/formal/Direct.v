(* The sum is direct: harmonic polynomials of different degrees are linearly independent on the sphere. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span Sharpness Harmonics Decomposition.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* A polynomial in three variables that vanishes everywhere is zero: put x = t, y = t^N, z = t^(N^2). *)
Section Vanishing.
Variable F : realFieldType.
Implicit Types (p : {mpoly F[3]}) (u w : 'X_{1..3}).

Definition code (N : nat) u : nat := (u ix + N * (u iy + N * u iz))%N.

Lemma code_injective N u w : (mdeg u < N)%N -> (mdeg w < N)%N -> code N u = code N w -> u = w.
Proof.
have below (x : 'X_{1..3}) (i : 'I_3) : (mdeg x < N)%N -> (x i < N)%N.
  by apply: leq_ltn_trans; rewrite mdegE (bigD1 i) //= leq_addr.
move=> lu lw; rewrite /code => e.
have digit a b c d : (a < N)%N -> (b < N)%N -> (a + N * c = b + N * d)%N -> a = b /\ c = d.
  move=> la lb e'; have N0 : (0 < N)%N by apply: leq_ltn_trans la.
  split; first by have := congr1 (modn^~ N) e'; rewrite /= ![(_ + N * _)%N]addnC ![(N * _)%N]mulnC !modnMDl !modn_small.
  have := congr1 (divn^~ N) e'; rewrite /= ![(_ + N * _)%N]addnC ![(N * _)%N]mulnC !divnMDl //.
  by rewrite !divn_small // !addn0.
have [ex e1] := digit _ _ _ _ (below u ix lu) (below w ix lw) e.
have [ey ez] := digit _ _ _ _ (below u iy lu) (below w iy lw) e1.
apply/mnmP => i; case: i => [[|[|[|k]]] lt] //.
- by have -> : Ordinal lt = ix by exact: val_inj.
- by have -> : Ordinal lt = iy by exact: val_inj.
- by have -> : Ordinal lt = iz by exact: val_inj.
Qed.

Lemma vanishing p : (forall v, p.@[v] = 0) -> p = 0.
Proof.
move=> zero; pose N := msize p.
pose v t : 'I_3 -> F := fun i => t ^+ (if val i == 0 then 1 else if val i == 1 then N else N * N)%N.
pose q : {poly F} := \sum_(u <- msupp p) p@_u *: 'X^(code N u).
have q0 : q = 0.
  apply: poly_agree => t; rewrite horner0 -(zero (v t)) mevalE /q horner_sum; apply: eq_bigr => u _.
  rewrite hornerZ hornerXn; congr (_ * _).
  rewrite !big_ord_recl big_ord0 mulr1 /v /= -!exprM -!exprD; congr (_ ^+ _).
  have -> : lift ord0 (ord0 : 'I_2) = iy by exact: val_inj.
  have -> : lift ord0 (lift ord0 (ord0 : 'I_1)) = iz by exact: val_inj.
  have -> : ord0 = ix by exact: val_inj.
  by rewrite /code mul1n mulnDr mulnA.
apply/mpolyP => w; rewrite mcoeff0; apply/eqP; rewrite -[_ == _]negbK mcoeff_eq0 negbK.
apply/negP => wp; have := congr1 (fun r : {poly F} => r`_(code N w)) q0.
rewrite /q coef_sum coef0 (bigD1_seq w) //= coefZ coefXn eqxx mulr1 big_seq_cond big1 ?addr0.
  by apply/eqP; rewrite -mcoeff_msupp.
move=> u /andP[up ne]; rewrite coefZ coefXn; case: eqP => [e|_]; last by rewrite mulr0.
by case/eqP: ne; apply: (code_injective _ _ (esym e)); apply: msize_mdeg_lt.
Qed.

Lemma homogeneous_value n p (c : F) (v : point F) : p \is n.-homog -> p.@[fun i => c * v i] = c ^+ n * p.@[v].
Proof.
move=> hp; rewrite !mevalE mulr_sumr; apply: eq_big_seq => u up.
rewrite mulrCA; congr (_ * _); rewrite -(homog_degree hp up) mdegE -prodrXr -big_split.
by apply: eq_bigr => i _; rewrite exprMn.
Qed.
End Vanishing.

Section Direct.
Variable F : rcfType.
Implicit Types (h : nat -> {mpoly F[3]}) (v : point F).

Definition opposite v : point F := fun i => -1 * v i.

Lemma opposite_on_sphere v : on_sphere v -> on_sphere (opposite v).
Proof. by rewrite /on_sphere /opposite !mulN1r !sqrrN. Qed.

(* Only the k <= n of the same parity as n, brought to degree n by powers of r^2. *)
Definition same_parity n k := odd (n - k) == false.
Definition brought n h : {mpoly F[3]} := \sum_(k < n.+1 | same_parity n k) r2 F ^+ (n - k)./2 * h k.

Lemma parity_part n h v : harmonics h -> agree (sum_of n h) (fun=> 0) -> on_sphere v ->
  \sum_(k < n.+1 | same_parity n k) (h k).@[v] = 0.
Proof.
move=> hh zero sv.
have e1 := zero v sv; have e2 := zero _ (opposite_on_sphere sv).
have E : sum_of n h v + (-1) ^+ n * sum_of n h (opposite v) = (\sum_(k < n.+1 | same_parity n k) (h k).@[v]) *+ 2.
  rewrite /sum_of mulr_sumr -big_split -sumrMnl big_mkcond /=; rewrite [RHS]big_mkcond /=; apply: eq_bigr => k _.
  have /andP[hk _] := hh k; rewrite (homogeneous_value _ _ hk) mulrA -exprD /same_parity.
  have kn : (k <= n)%N by rewrite -ltnS.
  have -> : (n + k = n - k + k.*2)%N by rewrite -addnn addnA subnK.
  rewrite exprD -[(-1) ^+ k.*2]signr_odd odd_double mulr1 -signr_odd.
  by case: (odd _); rewrite ?expr1 ?mulN1r ?subrr ?expr0 ?mul1r -?mulr2n.
move: E; rewrite e1 e2 mulr0 addr0 => /esym/eqP; rewrite -mulr_natr mulf_eq0 pnatr_eq0 orbF.
by move/eqP.
Qed.

Lemma brought_zero n h : harmonics h -> agree (sum_of n h) (fun=> 0) -> brought n h = 0.
Proof.
move=> hh zero; suff : r2 F * brought n h = 0 by move/eqP; rewrite mulf_eq0 (negbTE (r2_neq0 F)) => /eqP.
apply: vanishing => v; rewrite mevalM.
have r0 : 0 <= (r2 F).@[v] by rewrite r2_value !addr_ge0 ?sqr_ge0.
case: (eqVneq (r2 F).@[v] 0) => [->|nz]; first by rewrite mul0r.
pose s := Num.sqrt (r2 F).@[v]; have ss : s ^+ 2 = (r2 F).@[v] by rewrite sqr_sqrtr.
have s0 : s != 0 by rewrite -sqrf_eq0 ss.
pose u : point F := fun i => s^-1 * v i.
have su : on_sphere u by rewrite /on_sphere /u !exprMn -!mulrDr -r2_value -ss -exprMn mulVf // expr1n.
have -> : (brought n h).@[v] = s ^+ n * \sum_(k < n.+1 | same_parity n k) (h k).@[u].
  rewrite /brought (raddf_sum (meval_additive v)) mulr_sumr; apply: eq_bigr => k /eqP even.
  have /andP[hk _] := hh k; rewrite /= mevalM (homogeneous_value _ _ hk) rmorphX /= -ss -exprM mulrA; congr (_ * _).
  have kn : (k <= n)%N by rewrite -ltnS.
  have -> : (2 * (n - k)./2 = n - k)%N by rewrite mul2n -[RHS]odd_double_half even.
  have -> : s ^+ n = s ^+ (n - k) * s ^+ k by rewrite -exprD subnK.
  by rewrite -mulrA -exprMn mulfV // expr1n mulr1.
by rewrite (parity_part hh zero su) !mulr0.
Qed.

Lemma top_zero n h : harmonics h -> agree (sum_of n h) (fun=> 0) -> h n = 0.
Proof.
move=> hh /(brought_zero hh); case: n => [|[|n]].
- by rewrite /brought big_mkcond big_ord_recl big_ord0 /= expr0 mul1r addr0.
- by rewrite /brought big_mkcond !big_ord_recl big_ord0 /= expr0 mul1r addr0 add0r.
rewrite /brought big_mkcond big_ord_recr /= {2}/same_parity subnn eqxx expr0 mul1r.
pose g := \sum_(k < n.+2) (if same_parity n.+2 k then r2 F ^+ (n.+2 - k)./2.-1 * h k else 0).
have -> : \sum_(k < n.+2) (if same_parity n.+2 k then r2 F ^+ (n.+2 - k)./2 * h k else 0) = r2 F * g.
  rewrite /g mulr_sumr; apply: eq_bigr => k _; rewrite /same_parity.
  case: eqP => [even|_]; last by rewrite mulr0.
  rewrite mulrA -exprS prednK //.
  have : (0 < n.+2 - k)%N by rewrite subn_gt0.
  by case: (n.+2 - k)%N even => [|[|m]].
move/eqP; rewrite addr_eq0 => /eqP E; have /andP[hn /eqP ln] := hh n.+2.
have hg : g \is n.-homog.
  apply: rpred_sum => k _; rewrite /same_parity; case: eqP => [even|_]; last exact: rpred0.
  have /andP[hk _] := hh k; have kn : (k < n.+2)%N by [].
  have e : (2 * (n.+2 - k)./2.-1 + k = n)%N.
    have := odd_double_half (n.+2 - k); rewrite even add0n.
    have : (0 < n.+2 - k)%N by rewrite subn_gt0.
    case: (n.+2 - k)./2 => [|m] /=; first by case: (n.+2 - k)%N.
    move=> _ e'; apply/eqP; rewrite -(eqn_add2l 2) addnA -mulnS mul2n e' subnK ?add2n //; exact: ltnW.
  by have := r2_power_homog (n.+2 - k)./2.-1 hk; rewrite e.
have g0 : g = 0.
  apply: (@r2_power_not_harmonic F n 0 g hg); rewrite expr1 E linearN /= ln oppr0 //.
by move/eqP: E; rewrite g0 mulr0 eq_sym oppr_eq0 => /eqP.
Qed.

(* STATEMENT harmonics_direct: if two such sums agree on the sphere, their harmonic polynomials are the same, one by one. *)
Theorem harmonics_direct n h h' : harmonics h -> harmonics h' ->
  agree (sum_of n h) (sum_of n h') -> forall k, (k <= n)%N -> h k = h' k.
(* END *)
Proof.
move=> hh hh' same_sum; pose d k := h k - h' k.
have hd : harmonics d by move=> k; apply: harmonicB.
have zero : agree (sum_of n d) (fun=> 0).
  move=> v sv; have := same_sum v sv; rewrite /sum_of => e.
  by rewrite (eq_bigr (fun k : 'I_n.+1 => (h k).@[v] - (h' k).@[v])) ?sumrB ?e ?subrr // => k _; rewrite mevalB.
suff S k : (k <= n)%N -> d k = 0 by move=> k kn; apply/eqP; rewrite -subr_eq0; apply/eqP/S.
elim: n zero {same_sum} => [|n IH] zero; first by rewrite leqn0 => /eqP ->; apply: (top_zero hd zero).
have top := top_zero hd zero.
rewrite leq_eqVlt => /orP[/eqP -> //|]; rewrite ltnS; apply: IH => v sv.
by have := zero v sv; rewrite /sum_of big_ord_recr /= top meval0 addr0.
Qed.
End Direct.
